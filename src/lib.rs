//! Event pipelines: annotate functions with `#[event]`, draw the flow between them with arrows, run
//! it, and read what became of every step.
//!
//! ```
//! use nexus::prelude::*;
//!
//! #[derive(Debug, thiserror::Error)]
//! #[error("the gateway timed out")]
//! struct GatewayError;
//!
//! /// Rejects an order that cannot be charged.
//! #[event]
//! fn validate(items: &[String]) -> Outcome<()> {
//!     if items.is_empty() {
//!         return Outcome::failure("no items");
//!     }
//!     Outcome::success(())
//! }
//!
//! /// Charges the card, on a thread of its pool, trying three times.
//! #[event(
//!     executor = ThreadPoolExecutor,
//!     retry_policy = { max_attempts: 3, backoff_factor: 0.01 },
//! )]
//! fn charge(items: &[String], ctx: &Context) -> Result<u64, GatewayError> {
//!     if ctx.attempt() < 3 {
//!         return Err(GatewayError);
//!     }
//!     Ok(1_900 * items.len() as u64)
//! }
//!
//! /// Takes what comes along `|->`.
//! #[event]
//! fn confirm(#[piped] cents: &u64) -> Outcome<String> {
//!     Outcome::success(format!("paid {cents}"))
//! }
//!
//! /// Takes the reason along `0 |->`.
//! #[event]
//! fn reject(#[piped] why: &Failure) -> Outcome<String> {
//!     Outcome::success(format!("rejected: {why}"))
//! }
//!
//! #[derive(Pipeline)]
//! #[pipeline(flow = validate (0 |-> reject, 1 -> charge |-> confirm))]
//! struct Shop {
//!     items: Vec<String>,
//! }
//!
//! let report = Shop { items: vec!["mug".into()] }.run()?;
//! assert_eq!(report.output::<String>()?, "paid 1900");
//! # Ok::<(), nexus::Error>(())
//! ```
//!
//! A flow that cannot work does not compile; each mistake is one error at your own token.
//!
//! # Where to look
//!
//! Every name can be imported from here, such as `nexus::Report`, and the [`prelude`] brings what most
//! programs need. The modules sort the same names by what they are for:
//!
//! | to | see |
//! |---|---|
//! | write events: what they take, and how they say what became of their input | [`events`], [`macro@event`], [`derive(Event)`](macro@Event) |
//! | draw flows, in Rust or as text, and give them their input | [`flows`], [`derive(Pipeline)`](macro@Pipeline) |
//! | run them: here, in the background or as a future; shared resources, observers, shutdown | [`runs`] |
//! | read what became of a run, step by step | [`reports`] |
//! | try again what broke | [`retries`] |
//! | choose where bodies run, or write an executor | [`executors`] |
//! | run over an input of any length | [`batches`] |
//! | ask what events take and yield | [`describe`] |
//! | test without waiting | [`testing`] |
//!
//! These modules come with features:
//!
//! | to | see |
//! |---|---|
//! | have runs outlive their process | [`durable`] |
//! | run pipelines at certain times | [`schedule`](mod@crate::schedule) |
//! | have a command line for your pipelines | [`cli`] |
//! | see durable runs in a browser, and steer them | [`dashboard`] |
//! | watch runs with `tracing`, metrics and OpenTelemetry | [`telemetry`] |
//! | run pipelines on several machines | [`restate`] |
//!
//! # Features
//!
//! | feature | on | what it brings |
//! |---|---|---|
//! | `backoff` | yes | the crate `backoff` computes the waits of retries; without it built-in code does, to the same result |
//! | `process` | yes | `ProcessPoolExecutor`: events run in worker processes (64-bit Unix) |
//! | `registry` | yes | events register themselves by name at link time |
//! | `cli` | | [`nexus::cli`](crate::cli): a command line for your pipelines |
//! | `dashboard` | | [`nexus::dashboard`](crate::dashboard): a web page and an API for durable runs |
//! | `durable` | | `SqliteStore`: runs that outlive the process; `#[pipeline(durable, ..)]` |
//! | `restate` | | [`nexus::restate`](crate::restate): pipelines on a cluster of Restate servers; with `cli`, the commands for it |
//! | `schedule` | | [`nexus::schedule`](crate::schedule): pipelines that run at certain times |
//! | `tokio` | | `async fn` events and `AsyncExecutor` |
//! | `tracing` | | [`nexus::telemetry`](crate::telemetry): spans of runs, steps and attempts, with OpenTelemetry's names |
//! | `metrics` | | [`nexus::telemetry::Metrics`](crate::telemetry): runs, pools and the store in numbers, for the crate `metrics` |
//! | `logs` | | [`nexus::telemetry::AttemptLogs`](crate::telemetry): what bodies log, beside their attempts on the dashboard |
//! | `opentelemetry` | | [`nexus::telemetry::OpenTelemetry`](crate::telemetry): traces that leave the process and outlive it |
//! | `anyhow`, `eyre` | | the errors inside theirs are seen in closures and bypass checks too; `#[event]` needs neither |
//!
//! # Guide
//!
//! The repository has a guide in `docs/src`, which `ci/book.sh` builds as a book: a quick start, a
//! chapter on each of the above, a cookbook, and an index of errors.
#![cfg_attr(
    not(all(
        feature = "cli",
        feature = "dashboard",
        feature = "durable",
        feature = "restate",
        feature = "schedule",
        feature = "tracing",
    )),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "without the features there are no such modules"
    )
)]

// For importing. The documentation shows these names in the modules below, not once more as a list.
#[doc(no_inline)]
pub use nexus_core::*;
pub use nexus_macros::{Descriptor, Event, Pipeline, event};

#[doc(inline)]
pub use nexus_core::testing;
#[cfg(feature = "durable")]
#[doc(inline)]
pub use nexus_core::{driver, journal};

#[cfg(feature = "process")]
#[doc(no_inline)]
pub use nexus_process::ProcessPoolExecutor;
#[cfg(feature = "process")]
pub use nexus_process::{init, test_workers};

#[cfg(feature = "durable")]
#[doc(no_inline)]
pub use nexus_sqlite::{Durability, SqliteStore};

#[cfg(feature = "cli")]
#[doc(inline)]
pub use nexus_command as cli;

#[cfg(feature = "dashboard")]
#[doc(inline)]
pub use nexus_dashboard as dashboard;

#[cfg(feature = "restate")]
#[doc(inline)]
pub use nexus_restate as restate;

#[cfg(feature = "schedule")]
#[doc(inline)]
pub use nexus_schedule as schedule;

#[cfg(any(feature = "metrics", feature = "tracing"))]
#[doc(inline)]
pub use nexus_telemetry as telemetry;

#[doc(hidden)]
pub use nexus_core::__private;

/// What events take, and how they say what became of their input.
pub mod events {
    #[doc(inline)]
    pub use nexus_core::{
        Bypass, Context, Descriptor, Descriptors, Event, EventExecutionEvaluationState,
        EventSettings, Exception, ExceptionKind, Failure, Goto, IntoBypass, IntoOutcome, Items,
        Outcome, Previous, RetryAfter, Secret, SecretError, State, StateFactory, StepAddress,
        WorkerExit,
    };
}

/// Flows: drawn in Rust, or loaded as text and planned; their events by name, and their pictures.
pub mod flows {
    #[doc(inline)]
    pub use nexus_core::{
        EventBuilder, Fields, Flow, FlowErrors, Mistake, Picture, PictureFormat, Pipeline, Plan,
        PlanSpec, Registry, UnknownPictureFormat,
    };
}

/// Running pipelines: engines, runs in the background, observers, clocks and shutdown.
pub mod runs {
    #[doc(inline)]
    pub use nexus_core::{
        Canceller, Clock, Ended, Engine, EngineBuilder, Error, Inputs, Observer, PoolInfo,
        Prepared, Progress, Result, RunEnd, RunEvent, RunHandle, RunId, RunningTask, Shutdown,
        ShutdownReport, Signals, StepEvent, SystemClock, TraceContext, Wait,
    };
}

/// What became of a run, step by step.
pub mod reports {
    #[doc(inline)]
    pub use nexus_core::{
        NotRun, PageStep, PictureOutcome, Report, RunPage, Status, StepOutcome, StepReport,
        StepSpan, StopCondition,
    };
}

/// Trying again what broke.
pub mod retries {
    #[doc(inline)]
    pub use nexus_core::{
        ErrorType, IntoRetryPolicy, Jitter, LONGEST_WAIT, RetryPolicy, RetryPolicyBuilder,
        RetryPolicyError, Schedule,
    };
}

/// Where bodies run: the executors of nexus, and what an executor of your own is given.
pub mod executors {
    #[cfg(feature = "tokio")]
    #[doc(inline)]
    pub use nexus_core::AsyncExecutor;
    #[doc(inline)]
    pub use nexus_core::{
        BodyKind, BodyTracer, ClaimedTask, ConfigError, DefaultExecutor, Executor,
        ExecutorInitializerConfig, ExecutorKind, Job, Said, ThreadPoolExecutor,
    };
    #[cfg(any(feature = "process", feature = "durable"))]
    #[doc(inline)]
    pub use nexus_core::{ClaimedTasks, TaskHost, TaskReply};
    #[cfg(feature = "process")]
    #[doc(inline)]
    pub use nexus_process::ProcessPoolExecutor;
}

/// One pipeline over an input of any length, part by part.
pub mod batches {
    #[doc(inline)]
    pub use nexus_core::{
        Batch, BatchCanceller, BatchEnd, BatchFailure, BatchReport, BatchSummary, Batched, Batches,
        LineError, Lines, Parsed,
    };
}

/// Runs that outlive their process; the module [`journal`](mod@crate::journal) has what stores keep.
#[cfg(feature = "durable")]
pub mod durable {
    #[doc(inline)]
    pub use nexus_core::journal::{MemoryStore, RunQuery, RunState, Store, StoredRun};
    #[doc(inline)]
    pub use nexus_core::{OwnTask, PendingStep, RunActivity, TaskState, UnfinishedTask};
    #[doc(inline)]
    pub use nexus_sqlite::{Durability, SqliteStore};
}

/// What events take and yield, and how they are set up, for programs that show it.
pub mod describe {
    #[doc(inline)]
    pub use nexus_core::{
        EventInfo, ParameterInfo, ParameterSource, SettingsInfo, StepInfo, TypeInfo, Value,
    };
}

/// All that a program with pipelines needs: `use nexus::prelude::*;`.
pub mod prelude {
    #[cfg(feature = "tokio")]
    pub use nexus_core::AsyncExecutor;
    pub use nexus_core::StateFactory;
    pub use nexus_core::{
        Batch, Bypass, Clock, Context, DefaultExecutor, Engine, Event,
        EventExecutionEvaluationState, Exception, Executor, ExecutorInitializerConfig, Failure,
        Fields, Flow, Inputs, Items, Lines, Observer, Outcome, Pipeline, Registry, Report,
        RetryPolicy, State, Status, ThreadPoolExecutor,
    };
    pub use nexus_macros::{Descriptor, Event, Pipeline, event};
    #[cfg(feature = "process")]
    pub use nexus_process::ProcessPoolExecutor;
    #[cfg(feature = "durable")]
    pub use nexus_sqlite::SqliteStore;
}

/// The guide's chapters and the README, compiled and run with the tests.
#[cfg(doctest)]
mod guide;

#[cfg(test)]
mod tests;
