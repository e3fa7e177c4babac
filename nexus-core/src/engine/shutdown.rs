//! Ending an engine in order.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::drive::Drive;
use super::{Engine, Shared};
use crate::context::RunId;
use crate::error::{Error, Result};
use crate::run::Halt;
use crate::sync::{Condvar, Mutex, lock, thread, wait, wait_timeout};

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
    active: HashMap<RunId, Weak<Drive>>,
    /// Runs that had bodies given up, so that one can say what still runs.
    stuck: Vec<Weak<Drive>>,
}

/// How an engine is shut down: what happens to the runs that are under way, and for how long they
/// are waited for.
///
/// ```
/// use std::time::Duration;
/// use nexus_core::{Engine, Shutdown};
/// let engine = Engine::new();
/// let report = engine.shutdown(Shutdown::drain().within(Duration::from_secs(30)));
/// assert!(report.is_clean());
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "give it to `Engine::shutdown`"]
pub struct Shutdown {
    cancel: bool,
    within: Option<Duration>,
}

impl Shutdown {
    /// Waits for the runs that are under way.
    pub fn drain() -> Self {
        Self { cancel: false, within: None }
    }

    /// Cancels the runs that are under way.
    pub fn cancel() -> Self {
        Self { cancel: true, within: None }
    }

    /// Waits for so long at most, in real time; runs that are under way then are cancelled, and
    /// what still runs is named in the report.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = Some(limit);
        self
    }
}

/// What an engine's shutdown left running.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The steps whose bodies still run, as `pipeline: step`, and executors that did not end.
    pub still_running: Vec<String>,
}

impl ShutdownReport {
    /// Whether everything has ended.
    pub fn is_clean(&self) -> bool {
        self.still_running.is_empty()
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.still_running.as_slice() {
            [] => f.write_str("everything has ended"),
            names => write!(f, "still running: {}", names.join(", ")),
        }
    }
}

/// How long a shutdown waits, after its deadline, for what it has told to end.
const GRACE: Duration = Duration::from_millis(200);

impl Engine {
    /// Ends the engine in order: no new runs, then the runs that are under way, then the pools.
    /// Other handles of the engine can start nothing afterwards.
    pub fn shutdown(&self, how: Shutdown) -> ShutdownReport {
        let engine = &self.owner.0;
        let deadline = how.within.map(|limit| Instant::now() + limit);
        lock(&engine.runs.state).closed = true;
        if how.cancel || !engine.runs.wait(deadline) {
            engine.runs.cancel_all();
        }
        // What was just told to end may take a moment to do so.
        let deadline = deadline.map(|at| at.max(Instant::now() + GRACE));
        engine.runs.wait(deadline);
        let mut still_running = engine.runs.still_running();
        still_running.extend(engine.end_pools(deadline));
        ShutdownReport { still_running }
    }
}

impl Runs {
    /// Waits for all runs. `false` if the time is over before.
    fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut state = lock(&self.state);
        while !state.active.is_empty() {
            state = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
                None => wait(&self.ended, state),
                Some(Duration::ZERO) => return false,
                Some(left) => wait_timeout(&self.ended, state, left),
            };
        }
        true
    }

    fn drives(&self) -> Vec<Arc<Drive>> {
        lock(&self.state).active.values().filter_map(Weak::upgrade).collect()
    }

    fn cancel_all(&self) {
        for drive in self.drives() {
            drive.halt(Halt::Cancelled);
        }
    }

    fn still_running(&self) -> Vec<String> {
        let stuck: Vec<Arc<Drive>> =
            lock(&self.state).stuck.iter().filter_map(Weak::upgrade).collect();
        let mut names: Vec<String> = stuck.iter().flat_map(|drive| drive.stuck_names()).collect();
        // A run that was cancelled and goes on is in a body on its own thread.
        names.extend(self.drives().iter().map(|drive| drive.info.pipeline.to_string()));
        names.sort();
        names.dedup();
        names
    }
}

impl Shared {
    /// A run begins.
    pub(super) fn remember(&self, drive: &Arc<Drive>) -> Result<()> {
        let mut state = lock(&self.runs.state);
        if state.closed {
            return Err(Error::Engine("the engine is shut down; it starts no runs".to_owned()));
        }
        state.active.insert(drive.info.id, Arc::downgrade(drive));
        Ok(())
    }

    /// A run is over.
    pub(super) fn forget(&self, drive: &Drive) {
        let mut state = lock(&self.runs.state);
        state.active.remove(&drive.info.id);
        if state.active.is_empty() {
            self.runs.ended.notify_all();
        }
    }

    /// A body of the run was given up.
    pub(super) fn note_stuck(&self, drive: &Arc<Drive>) {
        let mut state = lock(&self.runs.state);
        state.stuck.retain(|known| known.strong_count() > 0);
        if !state.stuck.iter().any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(drive))) {
            state.stuck.push(Arc::downgrade(drive));
        }
    }

    /// Shuts the pools down. Gives the names of those that did not end in time.
    fn end_pools(&self, deadline: Option<Instant>) -> Vec<String> {
        let pools = std::mem::take(&mut *lock(&self.pools));
        let mut late = Vec::new();
        for pool in pools {
            let name = format!("{:?}", pool.executor);
            let Some(at) = deadline else {
                pool.end();
                continue;
            };
            let done = Arc::new((Mutex::new(false), Condvar::new()));
            let told = Arc::clone(&done);
            let ending =
                thread::Builder::new().name("nexus-shutdown".to_owned()).spawn(move || {
                    pool.end();
                    *lock(&told.0) = true;
                    told.1.notify_all();
                });
            if ending.is_err() {
                late.push(name);
                continue;
            }
            let mut ended = lock(&done.0);
            while !*ended {
                let left = at.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    late.push(name);
                    break;
                }
                ended = wait_timeout(&done.1, ended, left);
            }
        }
        late
    }
}

impl Drive {
    fn stuck_names(&self) -> Vec<String> {
        let name = |task: &crate::run::Task| {
            let item = task.item.map(|item| format!(", item {item}")).unwrap_or_default();
            format!("{}: {}{item}", self.info.pipeline, self.info.names.step_path(task.step))
        };
        self.inbox.stuck().iter().map(name).collect()
    }
}
