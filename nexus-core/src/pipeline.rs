//! Pipelines: a checked flow with named, typed input fields.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::engine::{Engine, Prepared, RunHandle};
use crate::error::{Error, FlowErrors, Result};
use crate::event::{EventDef, Spec};
use crate::executor::ExecutorKind;
use crate::flow::Flow;
#[cfg(feature = "json-input")]
use crate::input::InputField;
#[cfg(feature = "durable")]
use crate::journal::LinkedPipeline;
use crate::plan::{Fields, Plan};
use crate::registry::Registry;
use crate::report::Report;
use crate::retry::ErrorType;
use crate::value::Value;

/// A flow with its input: `#[derive(Pipeline)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a pipeline",
    note = "put `#[derive(Pipeline)]` and `#[pipeline(flow = ...)]` on the struct"
)]
pub trait Pipeline: Sized + 'static {
    /// What the field holds that is filled in batches (see [`Batched`](crate::Batched)); `()` where
    /// no field is.
    type BatchItem: Send + 'static;

    /// The pipeline's name: that of the struct.
    const NAME: &'static str;

    /// Whether the compiler has checked that a store can keep the pipeline's fields and what its
    /// steps yield: what `#[pipeline(durable, ..)]` asks for.
    const DURABLE: bool = false;

    /// When the pipeline is to run by itself: what `#[pipeline(schedule = "..")]` says.
    #[doc(hidden)]
    const SCHEDULE: Option<DeclaredSchedule<Self>> = None;

    /// What the pipeline's documentation begins with.
    #[cfg(feature = "json-input")]
    #[doc(hidden)]
    const DOC: &'static str = "";

    /// The input fields, for those who read them from text.
    #[cfg(feature = "json-input")]
    #[doc(hidden)]
    const INPUT: &'static [InputField] = &[];

    /// The input fields' names and types.
    fn fields() -> Fields;

    /// How long a run may take: what `#[pipeline(timeout = "5m")]` says. `None` is as long as it
    /// takes.
    fn timeout() -> Option<Duration> {
        None
    }

    #[doc(hidden)]
    fn into_values(self) -> Vec<Value>;

    #[doc(hidden)]
    fn checked() -> &'static CheckedFlow;

    /// The pipeline's plan, made on first use.
    ///
    /// # Errors
    ///
    /// If a setting that only exists at run time makes no sense, such as a retry policy that an
    /// expression gives. Everything else was checked when the program was compiled.
    fn plan() -> Result<&'static Arc<Plan>> {
        Self::checked().plan(Self::fields)
    }

    /// Runs the pipeline on this input, on the program's shared engine.
    ///
    /// # Errors
    ///
    /// If the run cannot start: a `State` is missing, or see [`plan`](Self::plan). How the run
    /// itself ended is in the report.
    fn run(self) -> Result<Report> {
        Engine::shared().run(self)
    }

    /// Runs the pipeline as a future, on the program's shared engine. Dropping the future cancels
    /// the run.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    fn run_async(self) -> impl Future<Output = Result<Report>> + Send + 'static {
        let prepared = Engine::shared().prepare(self);
        async { prepared?.run_async().await }
    }

    /// Runs the pipeline in the background, on the program's shared engine.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run); or if the system has no thread.
    fn start(self) -> Result<RunHandle> {
        Engine::shared().prepare(self)?.start()
    }
}

impl Engine {
    /// Runs a pipeline and waits for its end.
    ///
    /// # Errors
    ///
    /// If the run cannot start: see [`Pipeline::plan`]; or a `State` that a step takes is missing.
    pub fn run<P: Pipeline>(&self, pipeline: P) -> Result<Report> {
        #[cfg(feature = "durable")]
        if P::DURABLE {
            return self.prepare(pipeline)?.run();
        }
        let (plan, timeout) = (P::plan()?, time_limit::<P>()?);
        self.run_values(plan, pipeline.into_values(), timeout)
    }

    /// Runs a pipeline as a future, on whatever runtime polls it. Dropping the future cancels the
    /// run; a durable one is left where it is, to be resumed.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_async<P: Pipeline>(
        &self,
        pipeline: P,
    ) -> impl Future<Output = Result<Report>> + Send + 'static {
        let prepared = self.prepare(pipeline);
        async { prepared?.run_async().await }
    }

    /// Prepares a run of a pipeline: with a timeout, or in the background.
    ///
    /// # Errors
    ///
    /// See [`Pipeline::plan`]; or if the pipeline's own timeout is zero.
    pub fn prepare<P: Pipeline>(&self, pipeline: P) -> Result<Prepared> {
        let (plan, timeout) = (P::plan()?, time_limit::<P>()?);
        let prepared = self.prepared(plan, pipeline.into_values());
        #[cfg(feature = "durable")]
        let prepared = if P::DURABLE { prepared.recorded_if_stored() } else { prepared };
        Ok(match timeout {
            Some(limit) => prepared.timeout(limit),
            None => prepared,
        })
    }
}

/// How long a run of the pipeline may take.
fn time_limit<P: Pipeline>() -> Result<Option<Duration>> {
    match P::timeout() {
        Some(limit) if limit.is_zero() => Err(Error::Engine(format!(
            "the timeout of `{}` is zero, so no run could ever end in time",
            P::NAME
        ))),
        limit => Ok(limit),
    }
}

/// What a pipeline says of its schedule, as text; the crate of schedules reads it.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct DeclaredSchedule<P> {
    /// A cron expression, or `every 15m`. The macro has checked it.
    pub text: &'static str,
    /// The name of a time zone; UTC where there is none.
    pub zone: Option<&'static str>,
    /// The pipeline with the defaults of its fields.
    pub make: fn() -> P,
}

/// A pipeline as [`Engine::resume`] finds it.
#[cfg(feature = "durable")]
#[doc(hidden)]
pub const fn linked_pipeline<P: Pipeline>() -> LinkedPipeline {
    LinkedPipeline {
        name: P::NAME,
        plan: |script| match script {
            Some(script) => P::checked().replan(script, &P::fields()),
            None => P::plan().cloned(),
        },
    }
}

/// What `#[derive(Pipeline)]` knows of its flow: the script, and what its names stand for.
#[derive(Debug)]
#[doc(hidden)]
pub struct CheckedFlow {
    name: &'static str,
    script: &'static str,
    events: &'static [NamedEvent],
    executors: &'static [(&'static str, ExecutorKind)],
    errors: &'static [(&'static str, ErrorType)],
    plan: OnceLock<std::result::Result<Arc<Plan>, Arc<FlowErrors>>>,
}

/// An event under the name that the flow uses.
type NamedEvent = (&'static str, &'static Spec);

impl CheckedFlow {
    /// `script` in Pointy; the tables say what its names stand for.
    pub const fn new(
        name: &'static str,
        script: &'static str,
        events: &'static [NamedEvent],
        executors: &'static [(&'static str, ExecutorKind)],
        errors: &'static [(&'static str, ErrorType)],
    ) -> Self {
        Self { name, script, events, executors, errors, plan: OnceLock::new() }
    }

    fn plan(&'static self, fields: fn() -> Fields) -> Result<&'static Arc<Plan>> {
        let plan = self.plan.get_or_init(|| self.make(&fields()));
        plan.as_ref().map_err(|errors| Error::Flow(Arc::clone(errors)))
    }

    /// The plan of another script with this pipeline's events, such as the one that a run began
    /// with.
    ///
    /// # Errors
    ///
    /// If it cannot be planned with the events of today.
    #[cfg(feature = "durable")]
    fn replan(&self, script: &str, fields: &Fields) -> Result<Arc<Plan>> {
        self.make_of(script, fields).map_err(Error::Flow)
    }

    fn make(&self, fields: &Fields) -> std::result::Result<Arc<Plan>, Arc<FlowErrors>> {
        self.make_of(self.script, fields)
    }

    fn make_of(
        &self,
        script: &str,
        fields: &Fields,
    ) -> std::result::Result<Arc<Plan>, Arc<FlowErrors>> {
        let mut registry = Registry::new();
        for (name, spec) in self.events {
            registry.add_as((*name).to_owned(), EventDef::of(spec));
        }
        for (name, kind) in self.executors {
            registry.executor_kind((*name).to_owned(), *kind);
        }
        for (name, ty) in self.errors {
            registry.error_type((*name).to_owned(), *ty);
        }
        Flow::parse_as(self.name, script)?.compile(&registry, fields).map(Arc::new)
    }
}
