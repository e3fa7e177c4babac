//! A store in memory, for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::action::ActionTaken;
use super::query::{Cursor, RunQuery};
use super::request::Request;
use super::state::{RunCounts, RunState};
use super::store::{Change, Record, Revision, RunStart, Store, StoredRun};
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
    requests: BTreeMap<u64, Request>,
    /// The number of the last request.
    last_request: u64,
    /// The last one last.
    actions: Vec<ActionTaken>,
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
            change => {
                let key = change.key();
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
            Change::Revise { key, record, flow } => {
                let (run, records) = self.run_mut(key)?;
                run.records += 1;
                run.state = RunState::Unfinished;
                (run.ended_at, run.reason) = (None, None);
                let Record { seq, at, kind, .. } = *record;
                run.revisions.push(Revision { seq, at, kind, flow: Arc::clone(flow) });
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

/// Whether the run is one of those that the query asks for, wherever it is in the list.
fn is_asked(query: &RunQuery, run: &StoredRun) -> bool {
    let start = &run.start;
    (query.states.is_empty() || query.states.contains(&run.state))
        && query.pipeline.as_ref().is_none_or(|name| **name == *start.pipeline)
        && query.key_prefix.as_ref().is_none_or(|prefix| start.key.starts_with(&**prefix))
        && query.parent.as_ref().is_none_or(|parent| start.parent.as_ref() == Some(parent))
        && query.since.is_none_or(|since| start.at >= since)
        && query.until.is_none_or(|until| start.at < until)
        && query.ended_before.is_none_or(|time| run.ended_at.is_some_and(|at| at < time))
}

/// Whether the run is after this place in a list.
fn is_after(place: &Cursor, run: &StoredRun) -> bool {
    let (at, key) = (run.start.at, &run.start.key);
    at < place.at || (at == place.at && *key > place.key)
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
        let is_listed = |run: &&StoredRun| {
            is_asked(query, run) && query.after.as_ref().is_none_or(|place| is_after(place, run))
        };
        let mut runs: Vec<StoredRun> =
            contents.runs.values().map(|(run, _)| run).filter(is_listed).cloned().collect();
        // Those of one time stay in the order of their keys.
        runs.sort_by_key(|run| std::cmp::Reverse(run.start.at));
        runs.truncate(query.limit.unwrap_or(usize::MAX));
        Ok(runs)
    }

    fn counts(&self, query: &RunQuery) -> Result<RunCounts, StoreError> {
        let mut counts = RunCounts::default();
        for (run, _) in lock(&self.0).runs.values().filter(|(run, _)| is_asked(query, run)) {
            counts.add(run.state, 1);
        }
        Ok(counts)
    }

    fn request(&self, request: &Request) -> Result<(), StoreError> {
        let mut contents = lock(&self.0);
        contents.last_request += 1;
        let number = contents.last_request;
        contents.requests.insert(number, request.clone());
        Ok(())
    }

    fn requests(&self) -> Result<Vec<(u64, Request)>, StoreError> {
        let contents = lock(&self.0);
        let requests = contents.requests.iter();
        Ok(requests.map(|(number, request)| (*number, request.clone())).collect())
    }

    fn remove_request(&self, number: u64) -> Result<(), StoreError> {
        lock(&self.0).requests.remove(&number);
        Ok(())
    }

    fn note(&self, action: &ActionTaken) -> Result<(), StoreError> {
        lock(&self.0).actions.push(action.clone());
        Ok(())
    }

    fn actions(&self, key: Option<&str>, most: usize) -> Result<Vec<ActionTaken>, StoreError> {
        let contents = lock(&self.0);
        let is_asked = |action: &&ActionTaken| key.is_none_or(|key| *action.key == *key);
        Ok(contents.actions.iter().rev().filter(is_asked).take(most).cloned().collect())
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
        contents.actions.retain(|action| !keys.contains(&action.key));
        Ok(keys.iter().filter(|key| contents.runs.remove(*key).is_some()).count())
    }
}
