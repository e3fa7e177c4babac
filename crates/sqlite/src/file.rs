//! The file of a store: finding it, making it, connecting to it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nexus_core::journal::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use crate::Durability;
use crate::error::{explained, is_corrupt};

/// What marks a database as a store of nexus: "nxus".
pub(crate) const APPLICATION_ID: i32 = 0x6e78_7573;

/// The version of the schema. A change of it needs another one, and code that brings a store of the
/// version before to it.
pub(crate) const VERSION: i32 = 3;

/// The version from which on stores have the tables of `actions.sql`.
pub(crate) const WITH_ACTIONS: i32 = 2;

/// The version from which on extents have a `span` of their own.
pub(crate) const WITH_SPANS: i32 = 3;

/// The tables that all stores have.
const TABLES: &str = include_str!("schema.sql");

/// The tables that stores have from [`WITH_ACTIONS`] on.
const ACTIONS: &str = include_str!("actions.sql");

/// What a store has to have done to it that has no [spans](WITH_SPANS).
const SPANS: &str = "alter table extent add column span integer not null default 2048; \
     drop view runs; drop view attempts; drop view steps;";

/// The views of runs.
const VIEWS: &str = include_str!("views.sql");

/// The length of SQLite's header.
const HEADER: u64 = 100;

/// How long one waits for a lock of another process, which holds it for one small transaction.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a store is: an absolute path without symbolic links, so that whoever opens the same file
/// locks the same owner file.
#[derive(Debug, Clone)]
pub(crate) struct StoreFile(PathBuf);

impl StoreFile {
    pub(crate) fn find(path: &Path) -> Result<Self, StoreError> {
        let found =
            fs::canonicalize(path).or_else(|error| match (error.kind(), path.file_name()) {
                (ErrorKind::NotFound, Some(name)) => {
                    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                    Ok(fs::canonicalize(folder.unwrap_or(Path::new(".")))?.join(name))
                }
                _ => Err(error),
            });
        found.map(Self).map_err(|error| {
            StoreError::io(format!("cannot find the store `{}`", path.display()), error)
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The file of the same name with this after it.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    }

    /// `cannot {verb} the store ..: ..`
    pub(crate) fn cannot(&self, verb: &str, error: rusqlite::Error) -> StoreError {
        explained(format!("cannot {verb} the store `{}`", self.0.display()), error)
    }

    fn io(&self, verb: &str, error: io::Error) -> StoreError {
        StoreError::io(format!("cannot {verb} the store `{}`", self.0.display()), error)
    }

    pub(crate) fn unsuitable(&self, why: &str) -> StoreError {
        StoreError::Unsuitable(format!("`{}` {why}", self.0.display()))
    }

    /// Whether the store is there. What is there and is no store of ours stays untouched: SQLite
    /// reads an immutable file without locks, and without making files of its own beside it.
    ///
    /// SQLite has to do it, because to close a file that the process has open elsewhere would free
    /// the locks that SQLite has on it.
    pub(crate) fn check(&self) -> Result<bool, StoreError> {
        match fs::metadata(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return self.check_missing(),
            Err(error) => return Err(self.io("open", error)),
            Ok(found) if found.is_dir() => {
                return Err(self.unsuitable("is a folder; name a file in it"));
            }
            Ok(found) if found.len() == 0 => return self.check_empty(),
            // SQLite takes what is shorter than its header for an empty database.
            Ok(found) if found.len() < HEADER => return Err(self.no_database()),
            Ok(_) => {}
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let opened = Connection::open_with_flags(self.immutable(), flags);
        match opened.and_then(|connection| identity(&connection)) {
            Ok(identity) => self.check_identity(identity).map(|()| true),
            Err(error) if is_not_a_database(&error) => Err(self.no_database()),
            // The rest of it may be in the write-ahead log.
            Err(error) if is_corrupt(&error) && has_content(&self.beside("-wal")) => Ok(true),
            Err(error) => Err(self.cannot("open", error)),
        }
    }

    fn no_database(&self) -> StoreError {
        if self.was_a_store() {
            let error = ffi::Error::new(ffi::SQLITE_NOTADB);
            return self.cannot("open", rusqlite::Error::SqliteFailure(error, None));
        }
        self.unsuitable(
            "is no SQLite database, so it is no store, and was left as it is; name another file",
        )
    }

    /// An empty file may be one that was made for us. It is never a store that is half made.
    fn check_empty(&self) -> Result<bool, StoreError> {
        if self.was_a_store() {
            return Err(self.unsuitable(&format!(
                "is empty, and there was a store in it, to which `{}` belongs; go back to a \
                 backup, or remove both to begin with a new store",
                self.beside("-owner").display()
            )));
        }
        self.check_missing()
    }

    fn was_a_store(&self) -> bool {
        self.beside("-owner").exists()
    }

    /// A log without its database would be taken for the log of the database that is made now.
    fn check_missing(&self) -> Result<bool, StoreError> {
        let leftover = ["-wal", "-journal"].into_iter().find(|s| has_content(&self.beside(s)));
        match leftover {
            None => Ok(false),
            Some(suffix) => {
                let log = self.beside(suffix);
                Err(self.unsuitable(&format!(
                    "is missing or empty, but a part of it is left in `{}`; bring the file back, \
                     or, if nothing in it is needed, remove that one",
                    log.display()
                )))
            }
        }
    }

    fn check_identity(&self, (application, version): (i32, i32)) -> Result<(), StoreError> {
        if application != APPLICATION_ID {
            return Err(self.unsuitable(
                "is a database of something else, and was left as it is; name another file",
            ));
        }
        if !(1..=VERSION).contains(&version) {
            return Err(self.unsuitable(&format!(
                "has format {version}, and this program knows format {VERSION}; it was left as it \
                 is. Use a program that was built with the newer nexus",
            )));
        }
        Ok(())
    }

    /// `file:///..?immutable=1`
    fn immutable(&self) -> PathBuf {
        use std::fmt::Write as _;
        let mut uri = String::from("file:");
        for byte in self.0.as_os_str().as_encoded_bytes() {
            if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
                uri.push(char::from(*byte));
            } else {
                let _ = write!(uri, "%{byte:02x}");
            }
        }
        uri.push_str("?immutable=1");
        PathBuf::from(uri)
    }

    /// Whether there is nothing in it that could be a store.
    pub(crate) fn is_empty(&self) -> bool {
        !has_content(&self.0)
    }

    /// Makes the store under another name and then renames it, so that it is there whole or not at
    /// all, whatever ends the process.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        let draft = self.beside("-new");
        for suffix in ["-new", "-new-journal", "-new-wal", "-new-shm"] {
            match fs::remove_file(self.beside(suffix)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(self.io("create", error));
                }
                _ => {}
            }
        }
        let written = Connection::open(&draft).and_then(|connection| {
            connection.execute_batch(&format!(
                "begin; {TABLES} {ACTIONS} {VIEWS} pragma application_id = {APPLICATION_ID}; \
                 pragma user_version = {VERSION}; commit;"
            ))?;
            connection.close().map_err(|(_, error)| error)
        });
        written.map_err(|error| self.cannot("create", error))?;
        let renamed = fs::rename(&draft, &self.0).and_then(|()| sync_folder(&self.0));
        renamed.map_err(|error| self.io("create", error))
    }

    /// A connection that reads. It sees each transaction as soon as it is committed.
    pub(crate) fn reader(&self) -> rusqlite::Result<Connection> {
        self.open(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    /// A connection that writes.
    pub(crate) fn writer(&self, durability: Durability) -> Result<Connection, StoreError> {
        let connection = self.connect(durability).map_err(|error| self.cannot("open", error))?;
        self.check_opened(&connection)?;
        let mode: rusqlite::Result<String> =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
        match mode {
            Ok(mode) if mode == "wal" => Ok(connection),
            Ok(_) => Err(self.unsuitable(
                "is on a file system where SQLite cannot have a write-ahead log, perhaps one of \
                 another machine; name a file on a local disk",
            )),
            Err(error) => Err(self.cannot("open", error)),
        }
    }

    /// Brings a store of an older version up to date; only its owner does that.
    pub(crate) fn upgrade(&self, connection: &Connection) -> Result<(), StoreError> {
        let upgraded = identity(connection).and_then(|(_, version)| {
            if version >= VERSION {
                return Ok(());
            }
            let actions = if version < WITH_ACTIONS { ACTIONS } else { "" };
            connection.execute_batch(&format!(
                "begin immediate; {actions} {SPANS} {VIEWS} pragma user_version = {VERSION}; commit;"
            ))
        });
        upgraded.map_err(|error| self.cannot("bring up to date", error))
    }

    fn connect(&self, durability: Durability) -> rusqlite::Result<Connection> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let synchronous = match durability {
            Durability::PowerLoss => "full",
            Durability::ProcessCrash => "normal",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // What a sync leaves to the drive's own cache on macOS is not safe from a loss of power.
        connection.pragma_update(None, "fullfsync", durability == Durability::PowerLoss)?;
        Ok(connection)
    }

    fn open(&self, access: OpenFlags) -> rusqlite::Result<Connection> {
        let connection =
            Connection::open_with_flags(&self.0, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(64);
        // Else a statement that is kept is planned anew for other values, which takes longer than to read a
        // few rows.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(connection)
    }

    /// The same as [`check`](Self::check), with what is still in the write-ahead log.
    pub(crate) fn check_opened(&self, connection: &Connection) -> Result<(), StoreError> {
        let identity = identity(connection).map_err(|error| self.cannot("open", error))?;
        self.check_identity(identity)
    }
}

/// The version of the store's schema.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.prepare_cached("pragma user_version")?.query_row([], |row| row.get(0))
}

fn identity(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
    Ok((number("application_id")?, number("user_version")?))
}

fn is_not_a_database(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase)
}

fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() > 0)
}

/// Makes a new name of a file safe.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
