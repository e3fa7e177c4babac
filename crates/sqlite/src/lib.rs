//! Keeps the runs of nexus pipelines in a SQLite database, so that they outlive the process.
//!
//! [`SqliteStore`] is a [`Store`] in one file. Use it as `nexus::SqliteStore`, with the feature
//! `durable` of the crate `nexus`.
//!
#![doc = include_str!("schema.md")]

mod actions;
mod batch;
mod checksum;
mod columns;
mod error;
mod file;
mod flows;
mod insert;
mod number;
mod owner;
mod query;
mod reader;
mod records;
mod remove;
mod requests;
mod runs;
mod transaction;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nexus_core::journal::{
    ActionTaken, Change, Record, Request, RunCounts, RunQuery, Store, StoreError, StoredRun,
};

use file::StoreFile;
use owner::OwnerLock;
use reader::Reader;
use runs::Runs;
use writer::Writer;

/// What a store's records are safe from once they are committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// From a loss of power too: each commit waits for the disk.
    #[default]
    PowerLoss,
    /// From whatever ends the process, but not the machine. A loss of power may cost the last
    /// commits, never a part of one. Several times as fast on a slow disk.
    ProcessCrash,
}

/// Keeps runs in a SQLite database.
///
/// One process at a time owns a store, and writes to it; any other may read beside it. Files beside
/// it belong to it: `orders.db-wal` and `orders.db-shm` are SQLite's, `orders.db-owner` holds the
/// owner's lock.
///
/// What the disk changes is noticed by the checksums of rows, and costs the run that it belongs to.
/// They do not see it where SQLite itself is misled about how many rows there are: then the last
/// records of a run that is not over may be missing, as if they had not been committed.
///
/// ```
/// use nexus_core::journal::{RunQuery, Store};
/// use nexus_sqlite::SqliteStore;
///
/// # let folder = std::env::temp_dir().join(format!("nexus-sqlite-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("orders.db");
/// let store = SqliteStore::open(&path)?;
/// assert!(store.runs(&RunQuery::all())?.is_empty());
///
/// let beside = SqliteStore::read_only(&path)?; // from any process
/// assert!(beside.runs(&RunQuery::unfinished())?.is_empty());
/// # drop((store, beside));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SqliteStore {
    // In this order they are dropped: the last connection cleans up, and is to be the writer; then
    // others may own the store.
    reader: Reader,
    writer: Option<Mutex<Writer>>,
    _lock: Option<OwnerLock>,
    file: StoreFile,
}

impl SqliteStore {
    /// Opens the store in this file, and owns it as long as it is open. It is made if it is not
    /// there.
    ///
    /// # Errors
    ///
    /// If another process owns it; if the file is no store, or one of a newer version, which is
    /// left untouched; if it cannot be read or written to.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, Durability::default())
    }

    /// The same with another durability.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_with(path: impl AsRef<Path>, durability: Durability) -> Result<Self, StoreError> {
        let file = StoreFile::find(path.as_ref())?;
        file.check()?;
        let lock = OwnerLock::acquire(&file)?;
        if file.is_empty() {
            file.create()?;
        }
        let writer = Writer::open(&file, durability)?;
        Ok(Self {
            reader: Reader::new(file.clone(), Runs::written_after(writer.last_run()?)),
            writer: Some(Mutex::new(writer)),
            _lock: Some(lock),
            file,
        })
    }

    /// Opens the store in this file to read it, and to leave requests to its owner, beside the
    /// process that owns it, if there is one.
    ///
    /// # Errors
    ///
    /// If there is no such store, or it cannot be read.
    pub fn read_only(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let file = StoreFile::find(path.as_ref())?;
        if !file.check()? {
            return Err(file.unsuitable("is not there, or is empty; is it the right name?"));
        }
        let connection = file.reader().map_err(|error| file.cannot("open", error))?;
        file.check_opened(&connection)?;
        Ok(Self {
            reader: Reader::new(file.clone(), Runs::of_others()),
            writer: None,
            _lock: None,
            file,
        })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Writes a copy of the store to a new file, as of this moment, while it is in use. Copying the
    /// file itself while it is in use would miss what is in `orders.db-wal`.
    ///
    /// # Errors
    ///
    /// If the file is there already, or cannot be written; then nothing is at `path`.
    pub fn backup(&self, path: impl AsRef<Path>) -> Result<(), StoreError> {
        self.reader.backup(path.as_ref())
    }

    /// Gives the space of removed runs back to the file system. Without it the store uses it for
    /// the next runs. It copies all that is in the store, and nothing is committed meanwhile.
    ///
    /// # Errors
    ///
    /// If it cannot be written to, or was opened to be read.
    pub fn compact(&self) -> Result<(), StoreError> {
        lock(self.writer("compact it")?).compact()
    }

    fn writer(&self, to: &str) -> Result<&Mutex<Writer>, StoreError> {
        self.writer.as_ref().ok_or_else(|| {
            let path = self.file.path().display();
            StoreError::Refused(format!(
                "`{path}` was opened with `SqliteStore::read_only`; to {to}, `open` it"
            ))
        })
    }
}

impl Store for SqliteStore {
    fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        lock(self.writer("commit to it")?).commit(changes)
    }

    fn run(&self, key: &str) -> Result<Option<StoredRun>, StoreError> {
        self.reader.run(key)
    }

    fn records(&self, key: &str, after: u64, most: usize) -> Result<Vec<Record>, StoreError> {
        self.reader.records(key, after, most)
    }

    /// A listing looks at the first 1,000 records of each run to see whether they are damaged, unless the
    /// run was begun since the store was opened. The others are looked at when they are read; what is
    /// damaged of them is listed from then on.
    fn runs(&self, query: &RunQuery) -> Result<Vec<StoredRun>, StoreError> {
        self.reader.runs(query)
    }

    /// A run that is damaged is counted as what it was before.
    fn counts(&self, query: &RunQuery) -> Result<RunCounts, StoreError> {
        self.reader.counts(query)
    }

    fn request(&self, request: &Request) -> Result<(), StoreError> {
        if let Some(writer) = &self.writer {
            return lock(writer).transaction(|connection, _| requests::leave(connection, request));
        }
        requests::leave_beside(&self.file, request)
    }

    fn requests(&self) -> Result<Vec<(u64, Request)>, StoreError> {
        requests::waiting(&self.reader)
    }

    fn remove_request(&self, number: u64) -> Result<(), StoreError> {
        let writer = self.writer("remove requests from it")?;
        lock(writer).transaction(|connection, _| requests::remove(connection, number))
    }

    fn note(&self, action: &ActionTaken) -> Result<(), StoreError> {
        if let Some(writer) = &self.writer {
            return lock(writer)
                .transaction(|connection, _| Ok(actions::note(connection, action)?));
        }
        actions::note_beside(&self.file, action)
    }

    fn actions(&self, key: Option<&str>, most: usize) -> Result<Vec<ActionTaken>, StoreError> {
        actions::read(&self.reader, key, most)
    }

    fn remove(&self, keys: &[Arc<str>]) -> Result<usize, StoreError> {
        let writer = self.writer("remove runs from it")?;
        remove::remove(&self.reader, writer, keys)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SqliteStore");
        shown.field("path", &self.file.path()).field("owned", &self.writer.is_some());
        shown.finish_non_exhaustive()
    }
}

/// Locks a mutex. What a panic left half done in a connection is rolled back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
