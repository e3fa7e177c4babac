//! The histories of runs, read once for all pages that show them, and each record once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nexus_core::Engine;
use nexus_core::journal::{History, RunState, StoredRun};

use crate::error::ApiError;
use crate::lock;
use crate::turns::Turns;

/// So many are kept.
const KEPT: usize = 8;
/// The histories that are kept have so many steps and records together, unless one alone has more.
const KEPT_SIZE: u64 = 200_000;
/// What is read faster is read again whenever there is more of it.
const QUICK: Duration = Duration::from_millis(20);
/// What takes longer is read again after so many times as long, so that somebody who watches a long run
/// takes a fifth of a processor from it at most.
const REST: u32 = 4;

/// The histories that were read last.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    read: Mutex<VecDeque<Known>>,
    /// Each run is read once for all who ask meanwhile.
    turns: Turns,
}

#[derive(Debug)]
struct Known {
    history: Arc<History>,
    /// All that was written before is in it.
    asked_at: Instant,
    read_at: Instant,
    took: Duration,
}

impl Histories {
    /// The history of this run, as far as it is written; of a long one that goes on, as far as it was
    /// written a moment ago.
    pub(crate) fn read(&self, engine: &Engine, key: &str) -> Result<Arc<History>, ApiError> {
        let asked_at = Instant::now();
        let run = stored(engine, key)?;
        if let Some(known) = self.known(&run) {
            return Ok(known);
        }
        // Of a damaged run nothing can be read but that.
        if run.state == RunState::Damaged {
            let reason = run.reason.unwrap_or_default();
            return Err(ApiError::new(
                axum::http::StatusCode::CONFLICT,
                format!("what is written of the run `{key}` is damaged: {reason}"),
            ));
        }
        let _turn = self.turns.take(key);
        // Somebody else may have read it meanwhile.
        if let Some(known) = self.known(&run) {
            return Ok(known);
        }
        let begun = Instant::now();
        let history = match self.take(&run) {
            Some(known) => engine.refresh_history(Arc::unwrap_or_clone(known.history), run)?,
            None => engine.history(key)?.ok_or_else(|| ApiError::no_run(key))?,
        };
        let (history, read_at) = (Arc::new(history), Instant::now());
        let took = read_at - begun;
        self.keep(Known { history: Arc::clone(&history), asked_at, read_at, took });
        Ok(history)
    }

    /// The history of this run, if it was read after this moment.
    pub(crate) fn read_after(&self, moment: Instant, key: &str) -> Option<Arc<History>> {
        let read = lock(&self.read);
        let is_meant = |it: &&Known| it.asked_at > moment && *it.history.run.start.key == *key;
        read.iter().find(is_meant).map(|it| Arc::clone(&it.history))
    }

    /// What is known of this run, to go on from there.
    fn take(&self, run: &StoredRun) -> Option<Known> {
        let mut read = lock(&self.read);
        let place = read.iter().position(|it| it.is_of(run))?;
        read.remove(place)
    }

    /// Somebody has done something to this run, and wants to see it.
    pub(crate) fn forget(&self, key: &str) {
        lock(&self.read).retain(|it| *it.history.run.start.key != *key);
    }

    fn known(&self, run: &StoredRun) -> Option<Arc<History>> {
        let read = lock(&self.read);
        let known = read.iter().find(|it| it.is_of(run) && it.is_enough(run))?;
        Some(Arc::clone(&known.history))
    }

    fn keep(&self, known: Known) {
        let mut read = lock(&self.read);
        read.retain(|it| it.history.run.start.key != known.history.run.start.key);
        read.push_back(known);
        while read.len() > KEPT
            || (read.len() > 1 && read.iter().map(Known::size).sum::<u64>() > KEPT_SIZE)
        {
            read.pop_front();
        }
    }
}

impl Known {
    fn is_of(&self, run: &StoredRun) -> bool {
        let known = &self.history.run;
        (&known.start.key, known.start.at) == (&run.start.key, run.start.at)
    }

    /// A run with as many records in the same state is the same.
    fn is_enough(&self, run: &StoredRun) -> bool {
        let known = &self.history.run;
        let is_new = self.took > QUICK && self.read_at.elapsed() < self.took * REST;
        (known.state, known.ended_at) == (run.state, run.ended_at)
            && (known.records == run.records || is_new)
    }

    fn size(&self) -> u64 {
        self.history.run.records + self.history.steps.len() as u64
    }
}

/// The run with this key.
pub(crate) fn stored(engine: &Engine, key: &str) -> Result<StoredRun, ApiError> {
    engine.stored_run(key)?.ok_or_else(|| ApiError::no_run(key))
}

/// The path of the step in this place of the flow.
pub(crate) fn path_of(history: &History, step: usize) -> String {
    history.steps.get(step).map(|it| it.path.clone()).unwrap_or_default()
}

#[cfg(test)]
#[path = "histories_tests.rs"]
mod tests;
