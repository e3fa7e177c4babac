//! The signals of a run (the tutorial's original calls them so): who wants to hear them
//! implements [`Observer`].

use std::sync::Arc;
use std::time::Duration;

use crate::context::RunId;
#[cfg(feature = "durable")]
use crate::error::{Error, StoreError};
#[cfg(feature = "durable")]
use crate::journal::Request;
use crate::outcome::{Exception, Failure, TaskOutcome};
use crate::panic;
use crate::report::{Report, Status};
use crate::run::StopCondition;
use crate::telemetry::{PoolInfo, TraceContext};

/// Listens to runs. Every method has an empty body, so implement what you want to hear.
///
/// Methods are called on whatever thread the signal arises on, with no lock of nexus held; a
/// panic in one is contained. An engine without observers pays nothing for signals, and one whose
/// observers do not want those that come often ([`signals`](Self::signals)) next to nothing.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
/// use nexus_core::{Observer, StepEvent};
///
/// /// Counts retries.
/// #[derive(Debug, Default)]
/// struct Retries(AtomicUsize);
///
/// impl Observer for Retries {
///     fn event_execution_retry(&self, step: &StepEvent<'_>, _: &nexus_core::Exception, _: std::time::Duration) {
///         self.0.fetch_add(1, Relaxed);
///         println!("{} will be tried again", step.event());
///     }
/// }
/// ```
#[expect(unused_variables, reason = "the default bodies are empty; the names are documentation")]
pub trait Observer: Send + Sync + 'static {
    /// Which of the signals that come often this wants; asked once, when the engine is built. All others
    /// it is told in any case, and it may be told of what it does not want where that costs little.
    fn signals(&self) -> Signals {
        Signals::ALL
    }
    /// A run is about to begin, or to go on from its records, on the thread that asks for it; the run
    /// itself may begin on another one. What this gives is the W3C `traceparent` of the run, which is
    /// recorded with a durable run that is new; `begun_in` is what was recorded, where the run goes on.
    /// If several observers give one, that of the first counts.
    fn pipeline_execution_init(
        &self,
        run: &RunEvent<'_>,
        begun_in: Option<&str>,
    ) -> Option<String> {
        None
    }
    /// Nothing more is told of a run: it has ended, or it could not begin, or its future was dropped.
    /// Not told of a run that begins and ends within one call of the thread that asks for it.
    fn pipeline_execution_gone(&self, run: &RunEvent<'_>) {}
    /// A run begins.
    fn pipeline_execution_start(&self, run: &RunEvent<'_>) {}
    /// A stop condition of this step holds: the run starts nothing new.
    fn pipeline_execution_stop(
        &self,
        run: &RunEvent<'_>,
        step: &StepEvent<'_>,
        condition: StopCondition,
    ) {
    }
    /// A run is over, and this is how it ended.
    fn pipeline_execution_end(&self, run: &RunEvent<'_>, end: &RunEnd<'_>) {}
    /// A step has ended for good, with all its attempts and items, and whether it counts as a success. Not
    /// told of a step that is cancelled, or of one that has ended before its run goes on.
    fn step_execution_end(&self, step: &StepEvent<'_>, is_success: bool) {}
    /// A step is about to be handed to its executor; for an `each` step, one of its items is.
    fn event_execution_init(&self, step: &StepEvent<'_>) {}
    /// An attempt begins, on the thread that runs the body.
    fn event_execution_start(&self, step: &StepEvent<'_>) {}
    /// An attempt begins whose run is driven elsewhere, in this place of a trace: of the tasks of a
    /// [`driver::EventHost`](crate::driver::EventHost) it is told this instead.
    #[cfg(feature = "durable")]
    fn event_execution_received(&self, step: &StepEvent<'_>, trace: Option<&TraceContext>) {}
    /// An attempt has ended, on the same thread.
    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {}
    /// The event's body is about to run on this thread: the plain one from its beginning to its end, the
    /// future of an async one for a poll. Not told of what runs in other processes.
    fn event_body_enter(&self, step: &StepEvent<'_>) {}
    /// The event's body runs on this thread no more, at least for now.
    fn event_body_leave(&self, step: &StepEvent<'_>) {}
    /// Where in a trace this attempt is: for [`Context::traceparent`](crate::Context::traceparent), and
    /// for worker processes, to which it is sent with the task. If several observers know, the first
    /// one counts.
    fn trace_context(&self, step: &StepEvent<'_>) -> Option<TraceContext> {
        None
    }
    /// The event's body, which runs in another process, has said something there to the
    /// [`BodyTracer`](crate::BodyTracer) of this program; or a body of the same worker process before
    /// it, which has left a thread behind.
    fn event_body_said(&self, step: &StepEvent<'_>, said: &[u8]) {}
    /// The event said with `Context::progress` that `done` of `total` parts are done.
    fn event_execution_progress(&self, step: &StepEvent<'_>, done: u64, total: u64) {}
    /// The event broke and will be tried again after `wait`.
    fn event_execution_retry(&self, step: &StepEvent<'_>, exception: &Exception, wait: Duration) {}
    /// An event that was retried has ended for good.
    fn event_execution_retry_done(&self, step: &StepEvent<'_>, ended: Ended<'_>) {}
    /// Somebody outside has said how an attempt ended that was pending.
    fn event_execution_resolved(&self, step: &StepEvent<'_>) {}
    /// The event was bypassed; of an `each` step, for one item.
    fn event_execution_bypassed(&self, step: &StepEvent<'_>, reason: &str) {}
    /// A step that was under way is no longer wanted: the run was cancelled or its time was over,
    /// or another member of its group decided the matter.
    fn event_execution_cancelled(&self, step: &StepEvent<'_>, reason: &Failure) {}
    /// Another process has asked for something, which was done, or could not be.
    #[cfg(feature = "durable")]
    fn request_handled(&self, request: &Request, done: Result<(), &Error>) {}
    /// So many changes were written to the engine's store together, in this time; or could not be.
    #[cfg(feature = "durable")]
    fn store_committed(&self, changes: usize, took: Duration, done: Result<(), &StoreError>) {}
}

/// Signals that an engine gives often: which of them an [`Observer`] wants. A step that does nothing
/// costs several times as much where somebody is told of it.
///
/// ```
/// use nexus_core::Signals;
/// let wanted = Signals::POOL_TASKS.with(Signals::BODIES);
/// assert!(wanted.contains(Signals::BODIES));
/// assert!(!wanted.contains(Signals::OWN_TASKS));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signals(u8);

impl Signals {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// [`event_execution_init`](Observer::event_execution_init),
    /// [`event_execution_start`](Observer::event_execution_start) and
    /// [`event_execution_end`](Observer::event_execution_end) of tasks that run on the thread which
    /// drives their run.
    pub const OWN_TASKS: Self = Self(1);
    /// The same of tasks that a pool is given.
    pub const POOL_TASKS: Self = Self(1 << 1);
    /// [`event_body_enter`](Observer::event_body_enter) and
    /// [`event_body_leave`](Observer::event_body_leave), of those tasks of which the three above are
    /// wanted.
    pub const BODIES: Self = Self(1 << 2);
    /// [`step_execution_end`](Observer::step_execution_end).
    pub const STEP_ENDS: Self = Self(1 << 3);
    /// `store_committed`, of engines with a store.
    pub const COMMITS: Self = Self(1 << 4);
    /// All of them.
    pub const ALL: Self = Self((1 << 5) - 1);

    /// Both these and the others.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those of these that are not among the others.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether all of the others are among these.
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    const fn has_any_of(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

/// The observers of an engine, each with the signals that it wants.
pub(crate) struct Observers {
    all: Vec<(Signals, Arc<dyn Observer>)>,
    /// What at least one of them wants.
    wanted: Signals,
}

impl Observers {
    pub(crate) fn new(observers: Vec<Arc<dyn Observer>>) -> Self {
        let wants = |observer: Arc<dyn Observer>| {
            let signals = panic::contain(|| observer.signals()).unwrap_or(Signals::ALL);
            (signals, observer)
        };
        let all: Vec<_> = observers.into_iter().map(wants).collect();
        let wanted = all.iter().fold(Signals::NONE, |wanted, (signals, _)| wanted.with(*signals));
        Self { all, wanted }
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether somebody may want all of these signals.
    #[inline]
    pub(crate) fn want(&self, signals: Signals) -> bool {
        self.wanted.contains(signals)
    }

    /// Whether somebody wants some of these signals.
    #[inline]
    pub(crate) fn want_any_of(&self, signals: Signals) -> bool {
        self.wanted.has_any_of(signals)
    }

    /// Those that want these signals.
    pub(crate) fn that_want(&self, signals: Signals) -> impl Iterator<Item = &Arc<dyn Observer>> {
        let wants = move |(wanted, _): &&(Signals, _)| wanted.contains(signals);
        self.all.iter().filter(wants).map(|(_, observer)| observer)
    }

    /// Calls those that want these signals; a panic in one is that observer's matter.
    #[cold]
    pub(crate) fn each_that_wants(&self, signals: Signals, call: impl Fn(&dyn Observer)) {
        for observer in self.that_want(signals) {
            let _ = panic::contain(|| call(&**observer));
        }
    }

    /// What the first one gives that gives something.
    #[cold]
    pub(crate) fn first<T>(&self, ask: impl Fn(&dyn Observer) -> Option<T>) -> Option<T> {
        let mut all = self.that_want(Signals::NONE);
        all.find_map(|observer| panic::contain(|| ask(&**observer)).ok().flatten())
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Ended<'a> {
    /// It succeeded, by a goto perhaps.
    Success,
    /// It said no.
    Failure(&'a Failure),
    /// It broke.
    Exception(&'a Exception),
    /// It waits for the world outside.
    Pending,
}

impl<'a> Ended<'a> {
    pub(crate) fn of(outcome: &'a TaskOutcome) -> Self {
        match outcome {
            TaskOutcome::Success(_) | TaskOutcome::Goto(..) => Self::Success,
            TaskOutcome::Failure(failure) => Self::Failure(failure),
            TaskOutcome::Exception(exception) => Self::Exception(exception),
            TaskOutcome::Pending => Self::Pending,
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct RunEnd<'a> {
    pub(crate) report: &'a Report,
    pub(crate) is_left: bool,
}

impl RunEnd<'_> {
    /// Whether the run is not over, but was left to be resumed: the engine has ended, or its store
    /// has failed. Its status says nothing then.
    pub fn is_left(&self) -> bool {
        self.is_left
    }

    /// The run's status.
    pub fn status(&self) -> Status {
        self.report.status()
    }

    /// The path of the step that made the run fail or stop; `None` if it succeeded, was cancelled
    /// or timed out.
    pub fn step(&self) -> Option<String> {
        self.report.ending_step().map(|step| step.path())
    }

    /// Why the run did not succeed, in a sentence; `None` if it did.
    pub fn reason(&self) -> Option<String> {
        (!self.report.is_success()).then(|| self.report.failure_message())
    }
}

/// The run that a signal is about.
#[derive(Debug)]
pub struct RunEvent<'a> {
    pub(crate) id: RunId,
    pub(crate) pipeline: &'a str,
    #[cfg(feature = "durable")]
    pub(crate) key: Option<&'a str>,
    pub(crate) steps: usize,
}

impl RunEvent<'_> {
    /// The run's identity.
    pub fn run_id(&self) -> RunId {
        self.id
    }

    /// The run's key, if it is durable.
    #[cfg(feature = "durable")]
    pub fn key(&self) -> Option<&str> {
        self.key
    }

    /// The pipeline's name.
    pub fn pipeline(&self) -> &str {
        self.pipeline
    }

    /// How many steps its flow has.
    pub fn steps(&self) -> usize {
        self.steps
    }
}

/// The attempt that a signal is about.
#[derive(Debug)]
pub struct StepEvent<'a> {
    pub(crate) context: &'a crate::context::Context,
}

impl StepEvent<'_> {
    /// The event's name.
    pub fn event(&self) -> &str {
        self.context.event()
    }

    /// The step's place in script order, from 0: cheaper to tell steps of a run apart by than their
    /// [paths](crate::Context::step_path). Of a task of a run that is driven elsewhere, whose flow nobody
    /// here knows, it is always 0.
    pub fn step_index(&self) -> usize {
        self.context.step as usize
    }

    /// The pool on which its body runs. `None` for what runs on the driving thread.
    pub fn pool(&self) -> Option<PoolInfo> {
        self.context.run.host.pool(self.context.step)
    }

    /// All that the event itself may know: the run, the step's path, the attempt, the item.
    pub fn context(&self) -> &crate::context::Context {
        self.context
    }
}
