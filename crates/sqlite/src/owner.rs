//! One process owns a store at a time.
//!
//! An operating-system lock on a file beside the store says so, which is gone with the process,
//! however that ends, and which worker processes do not inherit. Who has it is written in the
//! store's table `owner`.

use std::fs::{File, OpenOptions, TryLockError};

use nexus_core::journal::StoreError;
use rusqlite::{Connection, params};

use crate::file::StoreFile;
use crate::number::now;

/// The lock, which is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct OwnerLock {
    file: File,
}

/// To close the file would not do: a process that another thread starts at this moment has all files of
/// this one, and their locks, until it runs its own program.
impl Drop for OwnerLock {
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl OwnerLock {
    pub(crate) fn acquire(store: &StoreFile) -> Result<Self, StoreError> {
        let path = store.beside("-owner");
        let failed = |error| StoreError::io(format!("cannot lock `{}`", path.display()), error);
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Owned { owner: owner_of(store) }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// Writes down that this process owns the store.
pub(crate) fn enter(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute("delete from owner", [])?;
    transaction.execute(
        "insert into owner (pid, host, since) values (?1, ?2, ?3)",
        params![std::process::id(), host(), now()],
    )?;
    transaction.commit()
}

/// Writes down that nobody owns it any more. A process that is killed does not get to it; then the
/// row stays until the next owner comes.
pub(crate) fn leave(connection: &Connection) {
    let _ = connection.execute("delete from owner", []);
}

/// Who owns the store, and what to do about it.
fn owner_of(store: &StoreFile) -> String {
    let asked = store.reader().and_then(|connection| {
        connection.query_row(
            "select pid, host, strftime('%Y-%m-%d %H:%M:%S', since / 1e6, 'unixepoch') from owner",
            [],
            |row| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)),
        )
    });
    let who = match asked {
        Ok((pid, host, since)) => format!("process {pid} on `{host}`, since {since} UTC"),
        Err(_) => String::from("one that has only just opened it, or is closing it"),
    };
    format!(
        "{who} (`{}`). End it, or look into the store beside it with `SqliteStore::read_only`",
        store.path().display()
    )
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    /// Otherwise a program that closes its store while one of its threads starts a process is told, when it
    /// opens the store again, that another process owns it.
    #[test]
    fn a_process_that_is_being_started_does_not_keep_the_lock_of_a_store_that_was_closed() {
        let path = std::env::temp_dir().join(format!("nexus-owner-{}.db", std::process::id()));
        let store = StoreFile::find(&path).unwrap();
        let lock = OwnerLock::acquire(&store).unwrap();
        // What a process has of it between its beginning and its program's.
        let inherited = lock.file.try_clone().unwrap();
        assert!(matches!(OwnerLock::acquire(&store), Err(StoreError::Owned { .. })));
        drop(lock);
        assert!(OwnerLock::acquire(&store).is_ok());
        drop(inherited);
        std::fs::remove_file(store.beside("-owner")).unwrap();
    }
}
