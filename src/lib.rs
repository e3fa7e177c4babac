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
//!     if items.is_empty() { Outcome::failure("no items") } else { Outcome::success(()) }
//! }
//!
//! /// Charges the card, on a thread of its pool, trying three times.
//! #[event(
//!     executor = ThreadPoolExecutor,
//!     retry_policy = { max_attempts: 3, backoff_factor: 0.01 },
//! )]
//! fn charge(items: &[String], ctx: &Context) -> Result<u64, GatewayError> {
//!     if ctx.attempt() < 3 { Err(GatewayError) } else { Ok(1_900 * items.len() as u64) }
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
//! | to | see |
//! |---|---|
//! | mark a function or a struct as an event | [`macro@event`], [`derive(Event)`](macro@Event) |
//! | say what an event made of its input | [`Outcome`], [`Failure`], [`Exception`] |
//! | ask for the attempt, the time, a cancellation | [`Context`]; for a shared resource [`State`] |
//! | draw a flow and give it its input | [`derive(Pipeline)`](macro@Pipeline), [`Pipeline`] |
//! | load a flow at run time | [`Flow`], [`Registry`], [`Plan`] |
//! | run it, here or in the background, with a timeout | [`Pipeline::run`], [`Pipeline::start`], [`Engine`] |
//! | read what became of it | [`Report`], [`StepReport`] |
//! | choose where bodies run | [`DefaultExecutor`], [`ThreadPoolExecutor`], `ProcessPoolExecutor`, `AsyncExecutor`, or an [`Executor`] of your own |
//! | try again | [`RetryPolicy`] |
//! | run over an input of any length | [`Batch`] |
//! | listen to what happens | [`Observer`] |
//! | test without waiting | [`testing`] |
//!
//! # Features
//!
//! | feature | on | what it brings |
//! |---|---|---|
//! | `backoff` | yes | the crate `backoff` computes the waits of retries; without it built-in code does, to the same result |
//! | `process` | yes | `ProcessPoolExecutor`: events run in worker processes (Unix) |
//! | `registry` | yes | events register themselves by name at link time |
//! | `cli` | | [`nexus::cli`](crate::cli): a command line for your pipelines |
//! | `durable` | | `SqliteStore`: runs that outlive the process; `#[pipeline(durable, ..)]` |
//! | `tokio` | | `async fn` events and `AsyncExecutor` |
//! | `anyhow`, `eyre` | | the errors inside theirs are seen in closures and bypass checks too; `#[event]` needs neither |
//!
//! The repository has a guide, whose chapters explain the flow language, retries, executors,
//! timeouts, batches, pictures, the command line and testing.
#![cfg_attr(
    not(feature = "cli"),
    allow(rustdoc::broken_intra_doc_links, reason = "without the feature there is no such module")
)]

pub use nexus_core::*;
pub use nexus_macros::{Descriptor, Event, Pipeline, event};

#[cfg(feature = "process")]
pub use nexus_process::{ProcessPoolExecutor, init, test_workers};

#[cfg(feature = "durable")]
pub use nexus_sqlite::{Durability, SqliteStore};

#[cfg(feature = "cli")]
#[doc(inline)]
pub use nexus_command as cli;

#[doc(hidden)]
pub use nexus_core::__private;

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
