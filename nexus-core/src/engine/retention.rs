//! Removing runs that were over long ago.

use std::sync::Arc;
use std::time::Duration;

use super::engine::Engine;
use super::keys::Durable;
use super::shared::Shared;
use super::stored::KeyGuard;
use crate::error::Result;
use crate::journal::{Cursor, RunCounts, RunQuery, RunState, StoredRun, Timestamp};

/// So many runs are removed at once, so that commits get their turn between.
const AT_ONCE: usize = 64;

impl Engine {
    /// Removes the runs from the store that were over for longer than this, and says how many there
    /// were. A child's run is kept while its parent's is there.
    ///
    /// A key whose run was removed is free: a run under it begins anew. So keep runs for longer than
    /// somebody may ask for the same thing again.
    ///
    /// ```
    /// use nexus_core::{Engine, journal::MemoryStore};
    /// use std::time::Duration;
    /// let engine = Engine::builder().store(MemoryStore::new()).build()?;
    /// let month = Duration::from_secs(30 * 24 * 60 * 60);
    /// assert_eq!(engine.prune(month)?, 0);
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the engine has no store, or the store cannot be read or written; what was removed before
    /// stays removed.
    pub fn prune(&self, older_than: Duration) -> Result<usize> {
        prune(self.shared_state(), self.durable()?, older_than)
    }

    /// Has runs removed now and then, if the engine is to keep them only for so long.
    pub(super) fn begin_retention(&self) {
        let durable = self.shared_state().durable.as_ref();
        if durable.is_some_and(|durable| durable.keep_finished.is_some()) {
            self.watch_requests();
        }
    }
}

/// Removes the runs that were over for longer than this.
pub(super) fn prune(
    engine: &Arc<Shared>,
    durable: &Durable,
    older_than: Duration,
) -> Result<usize> {
    let now = engine.timestamp();
    let before = Timestamp(now.0.saturating_sub(Timestamp::since_epoch(older_than).0));
    let mut removed = 0;
    // Children go after their parents, which are behind them in the list.
    loop {
        match pass(engine, durable, before)? {
            0 => return Ok(removed),
            more => removed += more,
        }
    }
}

/// Goes through the list once. Says how many runs were removed.
fn pass(engine: &Arc<Shared>, durable: &Durable, before: Timestamp) -> Result<usize> {
    let (mut removed, mut after): (usize, Option<Cursor>) = (0, None);
    loop {
        durable.writer.check()?;
        let ended = |state: &RunState| matches!(state, RunState::Ended(_));
        let query = RunQuery {
            states: RunCounts::STATES.into_iter().filter(ended).collect(),
            // What ended before has begun before: an index is searched by that.
            until: Some(before),
            ended_before: Some(before),
            after,
            limit: Some(AT_ONCE),
            ..RunQuery::all()
        };
        let runs = durable.store().runs(&query)?;
        after = runs.last().map(StoredRun::cursor);
        let mut guards = Vec::new();
        for run in &runs {
            guards.extend(removable(engine, durable, run, before)?);
        }
        let keys: Vec<Arc<str>> = guards.iter().map(|guard| Arc::clone(guard.key())).collect();
        if !keys.is_empty() {
            removed += durable.store().remove(&keys)?;
        }
        if after.is_none() {
            return Ok(removed);
        }
    }
}

/// The right to remove a run that was listed, if it may be: nobody has its key, it is still as it
/// was, and it is no child of a run that is there.
fn removable(
    engine: &Arc<Shared>,
    durable: &Durable,
    run: &StoredRun,
    before: Timestamp,
) -> Result<Option<KeyGuard>> {
    if let Some(parent) = &run.start.parent
        && durable.store().run(parent)?.is_some()
    {
        return Ok(None);
    }
    let Some(guard) = KeyGuard::try_take(engine, &run.start.key) else { return Ok(None) };
    let is_over = |run: &StoredRun| run.ended_at.is_some_and(|at| at < before);
    Ok(durable.store().run(&run.start.key)?.is_some_and(|run| is_over(&run)).then_some(guard))
}
