//! The store of a simulated process, whose disk outlives it.

use std::fmt;
use std::sync::Arc;

use super::World;
use crate::error::StoreError;
use crate::journal::{Change, Record, Request, RunCounts, RunQuery, Store, StoredRun};

/// What is committed is safe when `commit` has returned; a commit that is under way when the process
/// dies is there or not.
pub(super) struct SimulatedStore {
    world: Arc<World>,
    /// The number of the process that has it open.
    process: u32,
}

impl SimulatedStore {
    pub(super) fn new(world: Arc<World>, process: u32) -> Self {
        Self { world, process }
    }

    fn disk(&self) -> Result<&dyn Store, StoreError> {
        if self.world.is_alive(self.process) {
            Ok(&self.world.disk)
        } else {
            let why = std::io::Error::other("it died in the simulation");
            Err(StoreError::io("the process is dead", why))
        }
    }
}

impl Store for SimulatedStore {
    fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        self.disk()?;
        self.world.begin_commit(changes);
        let disk = self.disk()?;
        disk.commit(changes)?;
        self.world.committed(changes);
        Ok(())
    }

    fn run(&self, key: &str) -> Result<Option<StoredRun>, StoreError> {
        self.disk()?.run(key)
    }

    fn records(&self, key: &str, after: u64, most: usize) -> Result<Vec<Record>, StoreError> {
        self.disk()?.records(key, after, most)
    }

    fn runs(&self, query: &RunQuery) -> Result<Vec<StoredRun>, StoreError> {
        self.disk()?.runs(query)
    }

    fn counts(&self, query: &RunQuery) -> Result<RunCounts, StoreError> {
        self.disk()?.counts(query)
    }

    fn request(&self, request: &Request) -> Result<(), StoreError> {
        self.disk()?.request(request)
    }

    fn requests(&self) -> Result<Vec<(u64, Request)>, StoreError> {
        self.disk()?.requests()
    }

    fn remove_request(&self, number: u64) -> Result<(), StoreError> {
        let disk = self.disk()?;
        self.world.removes(number);
        disk.remove_request(number)
    }

    fn remove(&self, keys: &[Arc<str>]) -> Result<usize, StoreError> {
        self.disk()?.remove(keys)
    }
}

impl fmt::Debug for SimulatedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedStore").field("process", &self.process).finish_non_exhaustive()
    }
}
