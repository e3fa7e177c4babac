//! A run that is about to begin.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Poll;
use std::time::Duration;

use super::active::{ActiveRun, LocalRun};
use super::durable::{Beginner, Begun, Recorded, Recording};
use super::engine::Engine;
use super::future::{self, Bodies};
use super::handle::{Canceller, RunHandle};
use super::inputs::Inputs;
use super::progress::ProgressTracker;
use crate::cancel::Children;
use crate::context::RunInfo;
use crate::current;
use crate::error::{Error, Result};
use crate::executor::{self, AnyExecutor};
use crate::plan::{Place, Plan, Pool, Step};
use crate::report::Report;
use crate::sync::thread;
use crate::value::Value;

/// A run that is about to begin: what it runs, on which engine, and how long it may take.
///
/// A run that begins inside of an event is cancelled with the event's task, and so with the run
/// around it; one that is [started](Self::start) in the background is not.
///
/// ```
/// use std::time::Duration;
/// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
/// let mut registry = Registry::new();
/// registry.event("greet", |_: &Context| Outcome::success("hello"));
/// let plan = Flow::parse("greet")?.plan(&registry, &Fields::new())?;
/// let engine = Engine::new();
/// let report =
///     engine.prepare_plan(&plan, Inputs::new())?.timeout(Duration::from_secs(60)).run()?;
/// assert!(report.is_success());
/// # Ok::<(), nexus_core::Error>(())
/// ```
#[must_use = "nothing runs until `run` or `start`"]
pub struct Prepared {
    pub(super) engine: Engine,
    plan: Arc<Plan>,
    fields: Vec<Value>,
    timeout: Option<Duration>,
    pub(super) recording: Option<Recording>,
}

impl Engine {
    /// Prepares a run of a plan, such as one from a file.
    ///
    /// # Errors
    ///
    /// If an input is missing, unknown or of the wrong type.
    pub fn prepare_plan(&self, plan: &Arc<Plan>, inputs: Inputs) -> Result<Prepared> {
        Ok(self.prepared(plan, inputs.arrange(plan)?))
    }

    /// Runs a plan and waits for its end.
    ///
    /// # Errors
    ///
    /// If an input is missing, unknown or of the wrong type, or a `State` is missing.
    pub fn run_plan(&self, plan: &Arc<Plan>, inputs: Inputs) -> Result<Report> {
        self.run_values(plan, inputs.arrange(plan)?, None)
    }

    /// Runs a plan with values that are of its fields' types, in their order; nothing is recorded.
    pub(crate) fn run_values(
        &self,
        plan: &Arc<Plan>,
        fields: Vec<Value>,
        timeout: Option<Duration>,
    ) -> Result<Report> {
        let active = self.activate(plan, fields, timeout, None, None)?;
        if active.has_observers() {
            active.signal_run_init(None);
        }
        current::adopt(&active);
        let report = active.drive();
        active.engine.runs.remove(&*active);
        Ok(report)
    }

    fn activate(
        &self,
        plan: &Arc<Plan>,
        fields: Vec<Value>,
        timeout: Option<Duration>,
        tracker: Option<Arc<ProgressTracker>>,
        recorded: Option<&Beginner>,
    ) -> Result<Arc<ActiveRun>> {
        let engine = self.shared_state();
        let mocked = engine.mocked(plan)?;
        let pools = engine.open_pools(plan, mocked.as_deref())?;
        let deadline = timeout.map(|limit| engine.clock.now().saturating_add(limit));
        let journal = recorded.and_then(|recorded| recorded.journal(engine));
        engine.runs.add(Arc::new(RunInfo {
            id: recorded.map_or_else(|| engine.next_id(), Beginner::id),
            fields,
            states: engine.states(plan)?,
            deadline: recorded.map_or(deadline, |recorded| recorded.deadline(engine)),
            key: recorded.map(Beginner::key),
            cancelled: AtomicBool::new(false),
            left: AtomicBool::new(false),
            children: Children::new(),
            host: LocalRun::new(
                Arc::clone(engine),
                Arc::clone(plan),
                pools,
                mocked,
                tracker,
                journal,
            ),
        }))
    }

    /// Whether runs of the plan can begin, as far as one can tell: their `State`s are there, and
    /// their executors can be set up.
    pub(crate) fn can_run(&self, plan: &Plan) -> Result<()> {
        let engine = self.shared_state();
        engine.states(plan)?;
        let mocked = engine.mocked(plan)?;
        engine.open_pools(plan, mocked.as_deref()).map(drop)
    }

    /// The time, by the engine's clock.
    pub(crate) fn now(&self) -> Duration {
        self.shared_state().clock.now()
    }

    pub(crate) fn prepared(&self, plan: &Arc<Plan>, fields: Vec<Value>) -> Prepared {
        let recording = None;
        Prepared { engine: self.clone(), plan: Arc::clone(plan), fields, timeout: None, recording }
    }
}

/// Prepares a run of a plan with values that are of its fields' types, in their order.
#[cfg(feature = "json-input")]
pub fn prepare_values(engine: &Engine, plan: &Arc<Plan>, fields: Vec<Value>) -> Prepared {
    engine.prepared(plan, fields)
}

impl Prepared {
    /// Ends the run after this long, with the status [`TimedOut`](crate::Status::TimedOut); what
    /// is under way is cancelled.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Runs it on this thread, and waits for its end.
    ///
    /// # Errors
    ///
    /// If the run cannot begin: a `State` is missing, an executor cannot be set up, or the engine
    /// is shut down. A durable run: if its values cannot be recorded, its key belongs to another run,
    /// its store fails, or the engine leaves it to be resumed.
    pub fn run(mut self) -> Result<Report> {
        if self.recording.is_none() {
            return self.engine.run_values(&self.plan, self.fields, self.timeout);
        }
        let begun = self.begin(None, true)?;
        current::adopt(&begun.active);
        begun.drive()
    }

    /// Runs it in the background: on a thread of its own, or, if it is durable, on the threads of the
    /// engine, of which more are started when events take long.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run); or if the system has no thread.
    pub fn start(mut self) -> Result<RunHandle> {
        let tracker = Arc::new(ProgressTracker::default());
        let begun = self.begin(Some(Arc::clone(&tracker)), false)?;
        self.drive_in_background(begun, tracker)
    }

    /// Has the run driven, which has begun.
    pub(super) fn drive_in_background(
        self,
        begun: Begun,
        tracker: Arc<ProgressTracker>,
    ) -> Result<RunHandle> {
        #[cfg(feature = "durable")]
        if begun.active.journal.is_some() {
            return self.engine.drive_in_background(begun, tracker);
        }
        let (engine, active) = (self.engine, Arc::clone(&begun.active));
        let thread = thread::Builder::new().name("nexus-run".to_owned()).spawn(move || {
            let driven = Arc::clone(&begun.active);
            let report = begun.drive();
            // The last handle may go here, and waits for the pools.
            drop(engine);
            if let Some(tracker) = &driven.tracker {
                tracker.finish();
            }
            report
        });
        match thread {
            Ok(thread) => Ok(RunHandle::new(active, tracker, thread)),
            Err(error) => {
                Err(Error::Engine(format!("the system has no thread for the run: {error}")))
            }
        }
    }

    /// Runs it as a future, on whatever runtime polls it. Plain events run on the engine's threads,
    /// never on those of the runtime.
    ///
    /// Dropping the future cancels the run; a durable one is left where it is, to be resumed.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_async(mut self) -> impl Future<Output = Result<Report>> + Send + 'static {
        // Bodies that are polled here may need the runtime of their executor.
        let host = self.async_executor();
        let mut run = Box::pin(async move {
            let shared = self.engine.shared_state().executor_of(&Pool::Shared)?;
            let begun = self.begin_async().await?;
            current::adopt(&begun.active);
            if let Some(report) = begun.report_of_the_past() {
                return Ok(report);
            }
            let report = future::drive(&begun.active, &Bodies::Elsewhere(shared)).await;
            let report = begun.end_async(report).await;
            drop(self);
            report
        });
        // An async event that waits for a run may have the slot that the run needs.
        let mut slot = None;
        poll_fn(move |cx| {
            let mut polled = Poll::Pending;
            let mut poll = || polled = run.as_mut().poll(cx);
            match &host {
                Ok(Some(host)) => host.enter(&mut poll),
                _ => poll(),
            }
            match polled {
                Poll::Ready(_) => slot = None,
                Poll::Pending if slot.is_none() => slot = executor::yield_slot(),
                Poll::Pending => {}
            }
            polled
        })
    }

    /// The run, for whichever thread is to drive it, and what cancels it. It must be called: the
    /// engine's shutdown waits for it.
    pub(crate) fn ready(
        mut self,
    ) -> Result<(Canceller, impl FnOnce() -> Result<Report> + Send + use<>)> {
        // A batch has no place in the store from which it could go on.
        self.recording = None;
        let begun = self.begin(None, true)?;
        current::adopt(&begun.active);
        let (engine, canceller) = (self.engine, Canceller(Arc::clone(&begun.active)));
        let run = move || {
            let report = begun.drive();
            // The last handle may go here, and waits for the pools.
            drop(engine);
            report
        };
        Ok((canceller, run))
    }

    /// The executor of the plan's async events.
    fn async_executor(&self) -> Result<Option<Arc<dyn AnyExecutor>>> {
        let plan = &self.plan;
        let is_async = |step: &&Step| plan.events[step.event as usize].def.is_async;
        let Some(step) = plan.steps.iter().find(is_async) else { return Ok(None) };
        let Place::Pool(pool) = plan.options[step.options as usize].place else { return Ok(None) };
        self.engine.shared_state().executor_of(&plan.pools[pool as usize]).map(Some)
    }

    /// Begins the run on this thread. One that is `awaited` is a part of the task that waits for it.
    fn begin(&mut self, tracker: Option<Arc<ProgressTracker>>, awaited: bool) -> Result<Begun> {
        let mut begun = self.begin_unwritten(tracker, awaited)?;
        begun.write_start()?;
        begun.announce();
        Ok(begun)
    }

    /// Begins the run, of which is still to be written that it has begun.
    pub(super) fn begin_unwritten(
        &mut self,
        tracker: Option<Arc<ProgressTracker>>,
        awaited: bool,
    ) -> Result<Begun> {
        let recorded = match &self.recording {
            None => None,
            Some(recording) => {
                let engine = self.engine.shared_state();
                Some(recording.begin(engine, &self.recorded(awaited))?)
            }
        };
        let mut begun = self.activate(tracker, recorded)?;
        begun.init();
        Ok(begun)
    }

    /// The same without blocking the thread.
    async fn begin_async(&mut self) -> Result<Begun> {
        let recorded = match &self.recording {
            None => None,
            Some(recording) => {
                let engine = self.engine.shared_state();
                Some(recording.begin_async(engine, &self.recorded(true)).await?)
            }
        };
        let mut begun = self.activate(None, recorded)?;
        begun.init();
        begun.write_start_async().await?;
        begun.announce();
        Ok(begun)
    }

    fn recorded(&self, awaited: bool) -> Recorded<'_> {
        Recorded { plan: &self.plan, fields: &self.fields, timeout: self.timeout, awaited }
    }

    fn activate(
        &mut self,
        tracker: Option<Arc<ProgressTracker>>,
        recorded: Option<Beginner>,
    ) -> Result<Begun> {
        let fields = std::mem::take(&mut self.fields);
        let beginner = recorded.as_ref();
        let active = self.engine.activate(&self.plan, fields, self.timeout, tracker, beginner)?;
        Begun::new(active, recorded)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("plan", &self.plan)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
