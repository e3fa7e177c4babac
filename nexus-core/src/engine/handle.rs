//! A run that goes on in the background, and how far it is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::drive::Drive;
use crate::context::{Context, RunId};
use crate::error::{Error, Result};
use crate::report::Report;
use crate::run::{Halt, Task};
use crate::sync::{Mutex, lock, thread};

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
    drive: Arc<Drive>,
    watch: Arc<Watch>,
    thread: thread::JoinHandle<Report>,
}

impl RunHandle {
    pub(super) fn new(
        drive: Arc<Drive>,
        watch: Arc<Watch>,
        thread: thread::JoinHandle<Report>,
    ) -> Self {
        Self { drive, watch, thread }
    }

    /// The run's identity.
    pub fn run_id(&self) -> RunId {
        self.drive.info.id
    }

    /// Ends the run: nothing more starts, async events are dropped, events in worker processes are
    /// killed, and all others are told through their `Context`. Their late results are discarded.
    ///
    /// A body that runs on the run's own thread is waited for.
    pub fn cancel(&self) {
        self.drive.halt(Halt::Cancelled);
    }

    /// A handle that can only cancel, for a signal handler or another thread.
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::clone(&self.drive))
    }

    /// Whether the run is over, so that [`wait`](Self::wait) returns at once.
    pub fn is_finished(&self) -> bool {
        self.watch.over.load(Ordering::Acquire)
    }

    /// How far the run is.
    pub fn progress(&self) -> Progress {
        self.watch.progress(&self.drive)
    }

    /// Waits for the run's end.
    ///
    /// # Errors
    ///
    /// If the thread that drives the run broke, which would be a defect of nexus.
    pub fn wait(self) -> Result<Report> {
        let broke = |_| Error::Engine("the thread that drove the run has panicked".to_owned());
        self.thread.join().map_err(broke)
    }
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle").field("run", &self.run_id()).finish_non_exhaustive()
    }
}

/// Cancels a run; see [`RunHandle::canceller`].
#[derive(Clone)]
pub struct Canceller(pub(super) Arc<Drive>);

impl Canceller {
    /// See [`RunHandle::cancel`].
    pub fn cancel(&self) {
        self.0.halt(Halt::Cancelled);
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").field("run", &self.0.info.id).finish()
    }
}

/// How far a run is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Progress {
    /// How many steps the flow has.
    pub steps: usize,
    /// How many of them have ended. Steps of branches that are not taken never do.
    pub ended: usize,
    /// The tasks that are running, in script order.
    pub running: Vec<RunningTask>,
}

/// A task that is running.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunningTask {
    /// The step's place in the flow.
    pub path: String,
    /// The item of an `each` step, from 0.
    pub item: Option<u64>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// How long it has been running.
    pub since: Duration,
    /// What the event said with [`Context::progress`]: how many parts of how many are done.
    pub parts: Option<(u64, u64)>,
}

/// What a handle knows of its run.
#[derive(Default)]
pub(super) struct Watch {
    ended: AtomicU32,
    pub(super) over: AtomicBool,
    running: Mutex<BTreeMap<Key, Running>>,
}

/// Step, item and attempt.
type Key = (u32, Option<u64>, u32);

struct Running {
    began: Duration,
    parts: Option<(u64, u64)>,
}

fn key(context: &Context) -> Key {
    (context.step, context.item, context.attempt)
}

impl Watch {
    pub(super) fn began(&self, context: &Context) {
        let running = Running { began: context.now(), parts: None };
        lock(&self.running).insert(key(context), running);
    }

    pub(super) fn ended(&self, context: &Context) {
        lock(&self.running).remove(&key(context));
    }

    pub(super) fn given_up(&self, task: Task) {
        lock(&self.running).remove(&(task.step, task.item, task.attempt));
    }

    pub(super) fn steps_ended(&self, steps: u32) {
        self.ended.store(steps, Ordering::Relaxed);
    }

    pub(super) fn parts(&self, context: &Context, done: u64, total: u64) {
        if let Some(running) = lock(&self.running).get_mut(&key(context)) {
            running.parts = Some((done, total));
        }
    }

    fn progress(&self, drive: &Drive) -> Progress {
        let now = drive.engine.clock.now();
        let running = lock(&self.running);
        let task = |(key, running): (&Key, &Running)| RunningTask {
            path: drive.info.names.step_path(key.0),
            item: key.1,
            attempt: key.2,
            since: now.saturating_sub(running.began),
            parts: running.parts,
        };
        Progress {
            steps: drive.plan.len(),
            ended: self.ended.load(Ordering::Relaxed) as usize,
            running: running.iter().map(task).collect(),
        }
    }
}
