//! The one connection that writes.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use nexus_core::journal::{Change, StoreError};

use crate::Durability;
use crate::batch::{Batch, Caches};
use crate::error::WriteError;
use crate::file::StoreFile;
use crate::owner;
use crate::transaction::Transaction;

/// The owner's connection, with what it knows of the runs that it writes about.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Connection,
    caches: Caches,
    file: StoreFile,
    /// The error after which nothing is written any more.
    failed: Option<StoreError>,
}

impl Writer {
    pub(crate) fn open(file: &StoreFile, durability: Durability) -> Result<Self, StoreError> {
        let mut connection = file.writer(durability)?;
        file.upgrade(&connection)?;
        owner::enter(&mut connection).map_err(|error| file.cannot("write to", error))?;
        Ok(Self { connection, caches: Caches::default(), file: file.clone(), failed: None })
    }

    /// The number of the run that was made last, or zero.
    pub(crate) fn last_run(&self) -> Result<i64, StoreError> {
        let select = "select coalesce(max(id), 0) from run";
        let found = self.connection.query_row(select, [], |row| row.get(0));
        found.map_err(|error| self.file.cannot("read", error))
    }

    pub(crate) fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.transaction(|connection, caches| Batch::write(connection, caches, changes))
    }

    /// Does this and commits it. What a failed write or sync has left on the disk cannot be known,
    /// so after one the store is not written to again; a refusal leaves nothing behind.
    pub(crate) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&Connection, &mut Caches) -> Result<T, WriteError>,
    ) -> Result<T, StoreError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        self.attempt(work).map_err(|error| {
            self.caches.clear(); // they may have what was rolled back
            match error {
                WriteError::Refused(why) => StoreError::Refused(why),
                WriteError::Sqlite(error) => {
                    let error = self.file.cannot("write to", error);
                    self.failed = Some(error.clone());
                    error
                }
            }
        })
    }

    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&Connection, &mut Caches) -> Result<T, WriteError>,
    ) -> Result<T, WriteError> {
        let transaction = Transaction::to_write(&self.connection)?;
        let done = work(&self.connection, &mut self.caches)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Gives the space of what was removed back to the file system.
    pub(crate) fn compact(&mut self) -> Result<(), StoreError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        self.connection.execute_batch("vacuum; pragma wal_checkpoint(truncate);").map_err(|error| {
            let error = self.file.cannot("compact", error);
            self.failed = Some(error.clone());
            error
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.failed.is_none() {
            owner::leave(&self.connection);
        } else {
            // SQLite would write when the last connection is closed.
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }
}
