//! A store whose disk goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nexus_core::journal::{
    Change, MemoryStore, Record, Request, RunCounts, RunQuery, Store, StoreError, StoredRun,
};

/// A store that works until its disk is gone.
#[derive(Debug, Default)]
pub(crate) struct Broken {
    store: MemoryStore,
    is_broken: AtomicBool,
}

impl Broken {
    pub(crate) fn breaks(&self, breaks: bool) {
        self.is_broken.store(breaks, Ordering::SeqCst);
    }

    fn look(&self) -> Result<&MemoryStore, StoreError> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(StoreError::io("cannot read the store", "the disk is gone"));
        }
        Ok(&self.store)
    }
}

impl Store for Broken {
    fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        self.look()?.commit(changes)
    }
    fn run(&self, key: &str) -> Result<Option<StoredRun>, StoreError> {
        self.look()?.run(key)
    }
    fn records(&self, key: &str, after: u64, most: usize) -> Result<Vec<Record>, StoreError> {
        self.look()?.records(key, after, most)
    }
    fn runs(&self, query: &RunQuery) -> Result<Vec<StoredRun>, StoreError> {
        self.look()?.runs(query)
    }
    fn counts(&self, query: &RunQuery) -> Result<RunCounts, StoreError> {
        self.look()?.counts(query)
    }
    fn request(&self, request: &Request) -> Result<(), StoreError> {
        self.look()?.request(request)
    }
    fn requests(&self) -> Result<Vec<(u64, Request)>, StoreError> {
        self.look()?.requests()
    }
    fn remove_request(&self, number: u64) -> Result<(), StoreError> {
        self.look()?.remove_request(number)
    }
    fn remove(&self, keys: &[Arc<str>]) -> Result<usize, StoreError> {
        self.look()?.remove(keys)
    }
}
