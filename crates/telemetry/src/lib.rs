//! Spans of runs and attempts for [`tracing`], with the names of OpenTelemetry.
//!
//! ```
//! use nexus_core::Engine;
//! use nexus_telemetry::Spans;
//! let engine = Engine::builder().observer(Spans::new()).build()?;
//! # Ok::<(), nexus_core::Error>(())
//! ```
//!
//! What a body says with `tracing` stands inside its attempt's span: on the threads of pools and in
//! async events, however often and on whatever threads they are polled. An attempt's span is in that of
//! its run, and a run that begins inside a body is in the attempt that began it.
//!
//! | span | fields |
//! |---|---|
//! | `run` | `otel.name`, `cicd.pipeline.name`, `cicd.pipeline.run.id`, `nexus.run.key` of a durable run; at its end `cicd.pipeline.result`, `otel.status_code` |
//! | `attempt` | `otel.name`, `cicd.pipeline.task.name`, `cicd.pipeline.task.run.id`, `nexus.step`, `nexus.attempt`, `nexus.item` of an `each` step; at its end `cicd.pipeline.task.run.result`, `error.type`, `otel.status_code` |
//!
//! Events: `retry` (a warning, with `nexus.wait_seconds`), `bypassed`, `cancelled`, `stopped`. All of them
//! have the target `nexus`.
//!
//! Reasons and messages of failures are texts of users and may be about people, so they are not in spans;
//! the kind of an error is.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod results;
mod spans;

pub use spans::Spans;
