//! The connections that read, from as many threads as there are.

use std::path::Path;
use std::sync::Mutex;

use nexus_core::journal::{Record, RunCounts, RunQuery, StoreError, StoredRun};
use rusqlite::Connection;

use crate::file::{StoreFile, sync_folder};
use crate::lock;
use crate::query;
use crate::runs::Runs;
use crate::transaction::Transaction;

/// How many connections are kept while nobody reads.
const IDLE: usize = 4;

/// Reads what is committed, beside whoever writes.
#[derive(Debug)]
pub(crate) struct Reader {
    file: StoreFile,
    idle: Mutex<Vec<Connection>>,
    runs: Runs,
}

impl Reader {
    pub(crate) fn new(file: StoreFile, runs: Runs) -> Self {
        Self { file, idle: Mutex::default(), runs }
    }

    /// Reads in one transaction, so that all that is read is of one moment.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection, &Runs) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let idle = lock(&self.idle).pop();
        let read = idle.map_or_else(|| self.file.reader(), Ok).and_then(|connection| {
            let transaction = Transaction::to_read(&connection)?;
            let done = work(&connection, &self.runs)?;
            transaction.commit()?;
            Ok((done, connection))
        });
        let (done, connection) = read.map_err(|error| self.file.cannot("read", error))?;
        let mut idle = lock(&self.idle);
        if idle.len() < IDLE {
            idle.push(connection);
        }
        Ok(done)
    }

    pub(crate) fn run(&self, key: &str) -> Result<Option<StoredRun>, StoreError> {
        self.read(|connection, runs| runs.get(connection, key))
    }

    pub(crate) fn runs(&self, query: &RunQuery) -> Result<Vec<StoredRun>, StoreError> {
        self.read(|connection, runs| runs.list(connection, query))
    }

    pub(crate) fn counts(&self, query: &RunQuery) -> Result<RunCounts, StoreError> {
        self.read(|connection, _| query::counts(connection, query))
    }

    pub(crate) fn records(
        &self,
        key: &str,
        after: u64,
        most: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.read(|connection, runs| runs.records(connection, key, after, most))?
    }

    /// Writes a copy of the store, as of this moment. It is there whole or not at all.
    pub(crate) fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let failed =
            |error| StoreError::io(format!("cannot write the backup `{}`", to.display()), error);
        if to.exists() {
            let why = format!("there is a file `{}` already; name another one", to.display());
            return Err(StoreError::Refused(why));
        }
        let mut draft = to.as_os_str().to_owned();
        draft.push("-partial");
        let draft = Path::new(&draft);
        match std::fs::remove_file(draft) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
        let copied = self
            .file
            .reader()
            .and_then(|connection| connection.execute("vacuum into ?1", [draft.to_string_lossy()]));
        copied.map_err(|error| self.file.cannot("back up", error))?;
        let synced = std::fs::File::open(draft).and_then(|copy| copy.sync_all());
        let renamed = synced.and_then(|()| std::fs::rename(draft, to));
        renamed.and_then(|()| sync_folder(to)).map_err(failed)
    }
}
