//! A store whose commits observers are told of.

use std::sync::Arc;
use std::time::Instant;

use crate::error::StoreError;
use crate::journal::{Change, Record, Request, RunCounts, RunQuery, Store, StoredRun};
use crate::observe::Observer;
use crate::panic;

/// The store of an engine that has observers.
pub(super) struct ObservedStore {
    store: Arc<dyn Store>,
    observers: Vec<Arc<dyn Observer>>,
}

impl ObservedStore {
    /// The same store, if nobody observes.
    pub(super) fn wrap(store: Arc<dyn Store>, observers: &[Arc<dyn Observer>]) -> Arc<dyn Store> {
        if observers.is_empty() {
            return store;
        }
        Arc::new(Self { store, observers: observers.to_vec() })
    }
}

impl Store for ObservedStore {
    fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        let begin = Instant::now();
        let done = self.store.commit(changes);
        let took = begin.elapsed();
        for observer in &self.observers {
            let told = done.as_ref().copied();
            _ = panic::contain(|| observer.store_committed(changes.len(), took, told));
        }
        done
    }
    fn run(&self, key: &str) -> Result<Option<StoredRun>, StoreError> {
        self.store.run(key)
    }
    fn records(&self, key: &str, after: u64, most: usize) -> Result<Vec<Record>, StoreError> {
        self.store.records(key, after, most)
    }
    fn runs(&self, query: &RunQuery) -> Result<Vec<StoredRun>, StoreError> {
        self.store.runs(query)
    }
    fn counts(&self, query: &RunQuery) -> Result<RunCounts, StoreError> {
        self.store.counts(query)
    }
    fn request(&self, request: &Request) -> Result<(), StoreError> {
        self.store.request(request)
    }
    fn requests(&self) -> Result<Vec<(u64, Request)>, StoreError> {
        self.store.requests()
    }
    fn remove_request(&self, number: u64) -> Result<(), StoreError> {
        self.store.remove_request(number)
    }
    fn remove(&self, keys: &[Arc<str>]) -> Result<usize, StoreError> {
        self.store.remove(keys)
    }
}

impl std::fmt::Debug for ObservedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.store.fmt(f)
    }
}
