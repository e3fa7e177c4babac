//! A run that goes on in the background.

use std::fmt;
use std::sync::Arc;

use super::active::ActiveRun;
use super::progress::{Progress, ProgressTracker};
use crate::context::RunId;
use crate::error::{Error, Result};
#[cfg(feature = "durable")]
use crate::executor::while_blocked;
use crate::report::Report;
use crate::run::{CancelCause, Halt};
use crate::sync::thread;
#[cfg(feature = "durable")]
use crate::sync::{Condvar, Mutex, lock, wait};

/// A run that goes on in the background.
///
/// Dropping the handle leaves the run alone; [`cancel`](Self::cancel) ends it.
///
/// ```
/// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry, Status};
/// let mut registry = Registry::new();
/// registry.event("wait", |ctx: &Context| {
///     while !ctx.is_cancelled() {
///         std::thread::yield_now();
///     }
///     Outcome::success(())
/// });
/// let plan = Flow::parse("wait -> wait")?.plan(&registry, &Fields::new())?;
/// let handle = Engine::new().prepare_plan(&plan, Inputs::new())?.start()?;
/// handle.cancel();
/// assert_eq!(handle.wait()?.status(), Status::Cancelled);
/// # Ok::<(), nexus_core::Error>(())
/// ```
#[must_use = "the run goes on by itself; `wait` gives its report"]
pub struct RunHandle {
    active: Arc<ActiveRun>,
    tracker: Arc<ProgressTracker>,
    driver: Driver,
}

/// What drives the run.
enum Driver {
    /// A thread of its own.
    Thread(thread::JoinHandle<Result<Report>>),
    /// The engine's drivers.
    #[cfg(feature = "durable")]
    Task(Arc<Ended>),
}

/// Where the end of a run is left for whoever waits for it.
#[cfg(feature = "durable")]
#[derive(Default)]
pub(super) struct Ended {
    result: Mutex<Option<Result<Report>>>,
    is_set: Condvar,
}

#[cfg(feature = "durable")]
impl Ended {
    pub(super) fn set(&self, result: Result<Report>) {
        *lock(&self.result) = Some(result);
        self.is_set.notify_all();
    }

    fn wait(&self) -> Result<Report> {
        let mut result = lock(&self.result);
        loop {
            match result.take() {
                Some(result) => return result,
                // This thread may be a pool's worker, if an event waits for the run.
                None => result = while_blocked(|| wait(&self.is_set, result)),
            }
        }
    }
}

impl RunHandle {
    pub(super) fn new(
        active: Arc<ActiveRun>,
        tracker: Arc<ProgressTracker>,
        thread: thread::JoinHandle<Result<Report>>,
    ) -> Self {
        Self { active, tracker, driver: Driver::Thread(thread) }
    }

    /// That of a recorded run.
    #[cfg(feature = "durable")]
    pub(super) fn of_task(
        active: Arc<ActiveRun>,
        tracker: Arc<ProgressTracker>,
        ended: Arc<Ended>,
    ) -> Self {
        Self { active, tracker, driver: Driver::Task(ended) }
    }

    /// The run's identity.
    pub fn run_id(&self) -> RunId {
        self.active.id
    }

    /// The run's key, if it is durable.
    #[cfg(feature = "durable")]
    pub fn key(&self) -> Option<&str> {
        self.active.journal.as_ref().map(|journal| &*journal.key)
    }

    /// Ends the run: nothing more starts, async events are dropped, events in worker processes are
    /// killed, and all others are told through their `Context`. Their late results are discarded.
    /// Runs inside of it are cancelled with it.
    ///
    /// A body that runs on the run's own thread is waited for.
    pub fn cancel(&self) {
        self.active.halt(Halt::Cancelled(CancelCause::Requested));
    }

    /// A handle that can only cancel, for a signal handler or another thread.
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::clone(&self.active))
    }

    /// Whether the run is over, so that [`wait`](Self::wait) returns at once.
    pub fn is_finished(&self) -> bool {
        self.tracker.is_finished()
    }

    /// How far the run is.
    pub fn progress(&self) -> Progress {
        self.tracker.progress(&self.active.info(), self.active.plan.len())
    }

    /// Waits for the run's end.
    ///
    /// # Errors
    ///
    /// If the run was durable and its store failed, or the engine left it to be resumed; or if the
    /// thread that drives the run broke, which would be a defect of nexus.
    pub fn wait(self) -> Result<Report> {
        let broke = |_| Error::Engine("the thread that drove the run has panicked".to_owned());
        match self.driver {
            Driver::Thread(thread) => thread.join().map_err(broke)?,
            #[cfg(feature = "durable")]
            Driver::Task(ended) => ended.wait(),
        }
    }
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle").field("run", &self.run_id()).finish_non_exhaustive()
    }
}

/// Cancels a run; see [`RunHandle::canceller`].
#[derive(Clone)]
pub struct Canceller(pub(super) Arc<ActiveRun>);

impl Canceller {
    /// See [`RunHandle::cancel`].
    pub fn cancel(&self) {
        self.0.halt(Halt::Cancelled(CancelCause::Requested));
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").field("run", &self.0.id).finish()
    }
}
