//! The histories of runs, read once for all pages that show them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use nexus_core::Engine;
use nexus_core::journal::{History, RunState, StoredRun};

use crate::error::ApiError;

/// So many are kept.
const KEPT: usize = 8;

/// The histories that were read last.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    read: Mutex<VecDeque<Arc<History>>>,
}

impl Histories {
    /// The history of this run, as far as it is written.
    pub(crate) fn read(&self, engine: &Engine, key: &str) -> Result<Arc<History>, ApiError> {
        let run = stored(engine, key)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // A run with as many records in the same state is the same.
        let is_same = |it: &Arc<History>| {
            let known = &it.run;
            *known.start.key == *key
                && (known.start.at, known.records, known.state, known.ended_at)
                    == (run.start.at, run.records, run.state, run.ended_at)
        };
        if let Some(known) = read.iter().find(|it| is_same(it)) {
            return Ok(Arc::clone(known));
        }
        drop(read);
        // Of a damaged run nothing can be read but that.
        if run.state == RunState::Damaged {
            let reason = run.reason.unwrap_or_default();
            return Err(ApiError::new(
                axum::http::StatusCode::CONFLICT,
                format!("what is written of the run `{key}` is damaged: {reason}"),
            ));
        }
        let history = engine.history(key)?.ok_or_else(|| ApiError::no_run(key))?;
        let history = Arc::new(history);
        read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.retain(|it| *it.run.start.key != *key);
        if read.len() == KEPT {
            read.pop_front();
        }
        read.push_back(Arc::clone(&history));
        Ok(history)
    }
}

/// The run with this key.
pub(crate) fn stored(engine: &Engine, key: &str) -> Result<StoredRun, ApiError> {
    engine.stored_run(key)?.ok_or_else(|| ApiError::no_run(key))
}
