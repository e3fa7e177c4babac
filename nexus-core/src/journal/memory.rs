//! A store in memory, for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::request::Request;
use super::store::{Change, Record, RunQuery, RunStart, RunState, Store, StoredRun};
use crate::error::StoreError;
use crate::sync::{Mutex, lock};

/// Keeps the records of runs in memory: they survive the engine, not the process.
///
/// ```
/// use nexus_core::journal::{MemoryStore, RunQuery, Store};
/// let store = MemoryStore::new();
/// assert!(store.runs(&RunQuery::all())?.is_empty());
/// # Ok::<(), nexus_core::journal::StoreError>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Contents>);

#[derive(Debug, Default, Clone)]
struct Contents {
    runs: BTreeMap<Arc<str>, (StoredRun, Vec<Record>)>,
    requests: Vec<Request>,
}

impl MemoryStore {
    /// A store without runs.
    pub fn new() -> Self {
        Self::default()
    }
}

fn unknown(key: &str) -> StoreError {
    StoreError::Refused(format!("the store has no run `{key}`"))
}

impl Contents {
    fn run_mut(&mut self, key: &str) -> Result<&mut (StoredRun, Vec<Record>), StoreError> {
        self.runs.get_mut(key).ok_or_else(|| unknown(key))
    }

    /// What of these changes cannot be made, so that none of them is.
    fn check(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut started: BTreeSet<&str> = BTreeSet::new();
        changes.iter().try_for_each(|change| match change {
            Change::Start(RunStart { key, .. }) => {
                if self.runs.contains_key(key) || !started.insert(key) {
                    return Err(StoreError::Refused(format!("there is a run `{key}` already")));
                }
                Ok(())
            }
            Change::Record { key, .. } | Change::End { key, .. } | Change::Decision { key, .. } => {
                let known = self.runs.contains_key(key) || started.contains(&**key);
                if known { Ok(()) } else { Err(unknown(key)) }
            }
        })
    }

    fn apply(&mut self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::Start(start) => {
                let run = (StoredRun::new(start.clone()), Vec::new());
                self.runs.insert(Arc::clone(&start.key), run);
            }
            Change::Record { key, record } => {
                let (run, records) = self.run_mut(key)?;
                run.records += 1;
                records.push(record.clone());
            }
            Change::End { key, at, status } => {
                let (run, _) = self.run_mut(key)?;
                (run.state, run.ended_at) = (RunState::Ended(*status), Some(*at));
            }
            Change::Decision { key, reason } => {
                let (run, _) = self.run_mut(key)?;
                let needed = reason.is_some();
                run.state = if needed { RunState::NeedsDecision } else { RunState::Unfinished };
                run.ended_at = None;
                run.reason.clone_from(reason);
            }
        }
        Ok(())
    }
}

impl Store for MemoryStore {
    fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut contents = lock(&self.0);
        contents.check(changes)?;
        changes.iter().try_for_each(|change| contents.apply(change))
    }

    fn run(&self, key: &str) -> Result<Option<StoredRun>, StoreError> {
        Ok(lock(&self.0).runs.get(key).map(|(run, _)| run.clone()))
    }

    fn records(&self, key: &str, after: u64, most: usize) -> Result<Vec<Record>, StoreError> {
        let contents = lock(&self.0);
        let (_, records) = contents.runs.get(key).ok_or_else(|| unknown(key))?;
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(records.iter().skip(after).take(most).cloned().collect())
    }

    fn runs(&self, query: &RunQuery) -> Result<Vec<StoredRun>, StoreError> {
        let contents = lock(&self.0);
        let wanted = |run: &&StoredRun| {
            query.state.is_none_or(|state| state == run.state)
                && query.pipeline.as_ref().is_none_or(|name| **name == *run.start.pipeline)
                && query.before.is_none_or(|before| run.start.at < before)
        };
        let mut runs: Vec<StoredRun> =
            contents.runs.values().map(|(run, _)| run).filter(wanted).cloned().collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.start.at));
        runs.truncate(query.limit.unwrap_or(usize::MAX));
        Ok(runs)
    }

    fn request(&self, request: &Request) -> Result<(), StoreError> {
        lock(&self.0).requests.push(request.clone());
        Ok(())
    }

    fn take_requests(&self) -> Result<Vec<Request>, StoreError> {
        Ok(std::mem::take(&mut lock(&self.0).requests))
    }

    fn remove(&self, keys: &[Arc<str>]) -> Result<usize, StoreError> {
        let mut contents = lock(&self.0);
        let is_over = |key: &Arc<str>| {
            let run = contents.runs.get(key);
            run.is_none_or(|(run, _)| matches!(run.state, RunState::Ended(_)))
        };
        if let Some(open) = keys.iter().find(|key| !is_over(key)) {
            return Err(StoreError::Refused(format!("the run `{open}` is not over")));
        }
        Ok(keys.iter().filter(|key| contents.runs.remove(*key).is_some()).count())
    }
}
