//! The runs of an engine, so that it can be shut down in order.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::context::RunId;
use crate::error::{Error, Result};
use crate::sync::{Condvar, Mutex, lock, wait, wait_timeout};

/// What a shutdown needs of a run.
pub(super) trait Registered: Send + Sync {
    fn id(&self) -> RunId;
    fn name(&self) -> &str;
    /// Ends the run: nothing more starts, and nothing is waited for.
    fn cancel(self: Arc<Self>);
    /// The steps whose bodies run on although nobody waits for them.
    fn abandoned_steps(&self) -> Vec<String>;
}

/// The runs of an engine, and what they left behind.
#[derive(Default)]
pub(super) struct Runs {
    state: Mutex<State>,
    /// The last run has ended.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    active: HashMap<RunId, Weak<dyn Registered>, BuildHasherDefault<IdHasher>>,
    /// Runs that had bodies abandoned, so that one can say what still runs.
    with_abandoned: Vec<Weak<dyn Registered>>,
}

/// Ids of runs are mixed well already; hashing them again would cost a run more than its place in
/// the map.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u128(&mut self, id: u128) {
        self.0 = id as u64;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

impl Runs {
    /// A run begins.
    pub(super) fn add(&self, run: &Arc<impl Registered + 'static>) -> Result<()> {
        let id = run.id();
        let run = Arc::downgrade(run);
        let mut state = lock(&self.state);
        if state.closed {
            return Err(Error::Engine("the engine is shut down; it starts no runs".to_owned()));
        }
        state.active.insert(id, run);
        Ok(())
    }

    /// A run is over.
    pub(super) fn remove(&self, run: &impl Registered) {
        let mut state = lock(&self.state);
        state.active.remove(&run.id());
        if state.active.is_empty() {
            self.ended.notify_all();
        }
    }

    /// A body of the run was abandoned.
    pub(super) fn note_abandoned(&self, run: &Arc<impl Registered + 'static>) {
        let mut state = lock(&self.state);
        state.with_abandoned.retain(|known| known.strong_count() > 0);
        let address = Arc::as_ptr(run).cast::<()>();
        if !state.with_abandoned.iter().any(|known| known.as_ptr().cast::<()>() == address) {
            let run = Arc::downgrade(run);
            state.with_abandoned.push(run);
        }
    }

    /// Takes no more runs.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
    }

    /// Waits for all runs. `false` if the time is over before.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut state = lock(&self.state);
        while !state.active.is_empty() {
            state = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
                None => wait(&self.ended, state),
                Some(left) if left.is_zero() => return false,
                Some(left) => wait_timeout(&self.ended, state, left),
            };
        }
        true
    }

    fn active(&self) -> Vec<Arc<dyn Registered>> {
        lock(&self.state).active.values().filter_map(Weak::upgrade).collect()
    }

    pub(super) fn cancel_all(&self) {
        for run in self.active() {
            run.cancel();
        }
    }

    /// What still runs, by name.
    pub(super) fn still_running(&self) -> Vec<String> {
        let left: Vec<Arc<dyn Registered>> =
            lock(&self.state).with_abandoned.iter().filter_map(Weak::upgrade).collect();
        let mut names: Vec<String> = left.iter().flat_map(|run| run.abandoned_steps()).collect();
        // A run that was cancelled and goes on is in a body on its own thread.
        names.extend(self.active().iter().map(|run| run.name().to_owned()));
        names.sort();
        names.dedup();
        names
    }
}
