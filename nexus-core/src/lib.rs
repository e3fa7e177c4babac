//! The runtime of nexus: plans, runs, executors and reports.
//!
//! Use the crate `nexus`, which adds the macros; this one is for those who make all their events
//! at run time:
//!
//! ```
//! use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
//!
//! let mut registry = Registry::new();
//! registry.event("greet", |ctx: &Context| {
//!     Outcome::success(format!("Hello {}", ctx.field::<String>("name").map_or("you", String::as_str)))
//! });
//! let fields = Fields::new().with::<String>("name");
//! let plan = Flow::parse("greet")?.plan(&registry, &fields)?;
//! let report = Engine::new().run_plan(&plan, Inputs::new().with("name", String::from("Ada")))?;
//! assert_eq!(report.output::<String>()?, "Hello Ada");
//! # Ok::<(), nexus_core::Error>(())
//! ```

mod address;
mod batch;
mod cancel;
mod checked;
#[cfg(feature = "json-input")]
pub mod command_line;
mod context;
mod current;
mod describe;
#[cfg(feature = "durable")]
pub mod driver;
mod engine;
mod error;
mod event;
mod executor;
mod failure;
mod flow;
mod hash;
#[cfg(any(feature = "durable", feature = "json-input"))]
mod input;
#[cfg(feature = "durable")]
pub mod journal;
mod observe;
mod outcome;
mod panic;
mod picture;
mod piped;
mod pipeline;
mod plan;
#[doc(hidden)]
pub mod private;
mod registry;
#[cfg(feature = "wire")]
mod remote;
mod report;
mod retry;
mod run;
mod secret;
mod settings;
mod shape;
mod sync;
mod telemetry;
pub mod testing;
mod time;
mod value;
mod wire;

#[doc(hidden)]
pub use private as __private;

pub use address::StepAddress;
pub use batch::{
    Batch, BatchCanceller, BatchEnd, BatchFailure, BatchReport, BatchSummary, Batched, Batches,
    LineError, Lines, Parsed,
};
pub use context::{Context, Previous, RunId, State};
pub use describe::{EventInfo, ParameterInfo, ParameterSource, SettingsInfo, StepInfo};
pub use engine::{
    Canceller, Engine, EngineBuilder, Inputs, Prepared, Progress, RunHandle, RunningTask, Shutdown,
    ShutdownReport,
};
#[cfg(feature = "durable")]
pub use engine::{OwnTask, PendingStep, RunActivity, TaskState, UnfinishedTask};
pub use error::{Error, FlowErrors, Mistake, Result};
pub use event::{Descriptors, Event, IntoBypass, IntoOutcome};
#[cfg(feature = "tokio")]
pub use executor::AsyncExecutor;
#[cfg(feature = "wire")]
pub use executor::ClaimedTasks;
pub use executor::{
    BodyKind, ClaimedTask, ConfigError, DefaultExecutor, Executor, ExecutorInitializerConfig,
    ExecutorKind, Job, ThreadPoolExecutor,
};
pub use flow::Flow;
pub use observe::{Ended, Observer, RunEnd, RunEvent, Signals, StepEvent};
pub use outcome::{
    Bypass, Descriptor, Exception, ExceptionKind, Failure, Goto, Outcome, RetryAfter, WorkerExit,
};
pub use picture::{
    PageStep, Picture, PictureFormat, PictureOutcome, RunPage, StepSpan, UnknownPictureFormat,
};
pub use piped::Items;
pub use pipeline::Pipeline;
pub use plan::{Fields, Plan, PlanSpec};
pub use registry::{EventBuilder, Registry};
#[cfg(feature = "wire")]
pub use remote::{TaskHost, TaskReply};
pub use report::{NotRun, Report, Status, StepOutcome, StepReport};
pub use retry::{
    ErrorType, IntoRetryPolicy, Jitter, LONGEST_WAIT, RetryPolicy, RetryPolicyBuilder,
    RetryPolicyError, Schedule,
};
pub use run::StopCondition;
pub use secret::{Secret, SecretError};
pub use settings::{EventExecutionEvaluationState, EventSettings};
pub use telemetry::{BodyTracer, PoolInfo, Said, TraceContext};
pub use time::{Clock, SystemClock, Wait};
pub use value::{TypeInfo, Value};
pub use wire::StateFactory;
