//! A run that is about to begin.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::drive::Drive;
use super::handle::{Canceller, RunHandle, Watch};
use super::signal::Listeners;
use super::{Engine, Inputs};
use crate::context::{Hear, RunInfo};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::report::Report;
use crate::sync::thread;
use crate::value::Value;

/// A run that is about to begin: what it runs, on which engine, and how long it may take.
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
    pub(super) plan: Arc<Plan>,
    fields: Vec<Value>,
    timeout: Option<Duration>,
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
        self.prepare_plan(plan, inputs)?.run()
    }

    /// Whether runs of the plan can begin, as far as one can tell: their `State`s are there, and
    /// their executors can be set up.
    pub(crate) fn can_run(&self, plan: &Plan) -> Result<()> {
        let engine = &self.owner.0;
        engine.states(plan)?;
        engine.open_pools(plan)?;
        engine.mocked_bodies(plan).map(drop)
    }

    /// The time, by the engine's clock.
    pub(crate) fn now(&self) -> Duration {
        self.owner.0.clock.now()
    }

    pub(crate) fn prepared(&self, plan: &Arc<Plan>, fields: Vec<Value>) -> Prepared {
        Prepared { engine: self.clone(), plan: Arc::clone(plan), fields, timeout: None }
    }
}

/// Prepares a run of a plan with values that are of its fields' types, in their order.
#[doc(hidden)]
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
    /// is shut down.
    pub fn run(mut self) -> Result<Report> {
        let drive = self.drive(None)?;
        let report = drive.run();
        drive.engine.forget(&drive);
        Ok(report)
    }

    /// Runs it on a thread of its own.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run); or if the system has no thread.
    pub fn start(mut self) -> Result<RunHandle> {
        let watch = Arc::new(Watch::default());
        let drive = self.drive(Some(Arc::clone(&watch)))?;
        let (engine, driven) = (self.engine, Arc::clone(&drive));
        let thread = thread::Builder::new().name("nexus-run".to_owned()).spawn(move || {
            let report = driven.run();
            driven.engine.forget(&driven);
            // The last handle may go here, and waits for the pools.
            drop(engine);
            if let Some(watch) = &driven.watch {
                watch.over.store(true, Ordering::Release);
            }
            report
        });
        match thread {
            Ok(thread) => Ok(RunHandle::new(drive, watch, thread)),
            Err(error) => {
                drive.engine.forget(&drive);
                Err(Error::Engine(format!("the system has no thread for the run: {error}")))
            }
        }
    }

    /// The run, for whichever thread is to drive it, and what cancels it. It must be called: the
    /// engine's shutdown waits for it.
    pub(crate) fn ready(mut self) -> Result<(Canceller, impl FnOnce() -> Report + Send + use<>)> {
        let drive = self.drive(None)?;
        let (engine, canceller) = (self.engine, Canceller(Arc::clone(&drive)));
        let run = move || {
            let report = drive.run();
            drive.engine.forget(&drive);
            // The last handle may go here, and waits for the pools.
            drop(engine);
            report
        };
        Ok((canceller, run))
    }

    pub(super) fn drive(&mut self, watch: Option<Arc<Watch>>) -> Result<Arc<Drive>> {
        let (engine, plan) = (&self.engine.owner.0, &self.plan);
        let pools = engine.open_pools(plan)?;
        let bodies = engine.mocked_bodies(plan)?;
        let is_heard = watch.is_some() || !engine.observers.is_empty();
        let hear = is_heard.then(|| -> Arc<dyn Hear> {
            Arc::new(Listeners { engine: Arc::clone(engine), watch: watch.clone() })
        });
        let info = RunInfo {
            id: engine.next_id(),
            pipeline: Arc::clone(&plan.name),
            names: plan.clone(),
            field_names: Arc::clone(&plan.field_names),
            fields: std::mem::take(&mut self.fields),
            resources: Arc::clone(&engine.resources),
            states: engine.states(plan)?,
            clock: Arc::clone(&engine.clock),
            deadline: self.timeout.map(|limit| engine.clock.now().saturating_add(limit)),
            cancelled: AtomicBool::new(false),
            hear,
        };
        let engine = Arc::clone(engine);
        let drive = Drive::new(engine, Arc::clone(plan), info, pools, bodies, watch);
        drive.engine.remember(&drive)?;
        Ok(drive)
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
