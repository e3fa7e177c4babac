//! Spans and metrics of runs, with the names of OpenTelemetry: for [`tracing`], and with the feature
//! `metrics` for the crate `metrics`.
//!
//! ```
//! use nexus_core::Engine;
//! use nexus_telemetry::Spans;
//! let engine = Engine::builder().observer(Spans::new()).build()?;
//! # Ok::<(), nexus_core::Error>(())
//! ```
//!
//! What a body says with `tracing` stands inside its attempt's span: on the threads of pools, in async
//! events, however often and on whatever threads they are polled, and in worker processes, from where it
//! crosses to the parent and is said again there. An attempt's span is in that of its step, and that in
//! the one of its run. A run is in the span in which somebody asked for it: a run that begins inside a
//! body is in the attempt that began it.
//!
//! | span | fields |
//! |---|---|
//! | `run` | `otel.name`, `cicd.pipeline.name`, `cicd.pipeline.run.id`, `nexus.run.key` of a durable run, `nexus.run.resumed` where it goes on; at its end `cicd.pipeline.result`, `otel.status_code` |
//! | `step` | `otel.name`, `cicd.pipeline.task.name`, `nexus.step`; at its end `nexus.step.result`, `otel.status_code` |
//! | `attempt` | `otel.name`, `cicd.pipeline.task.name`, `cicd.pipeline.task.run.id`, `nexus.step`, `nexus.attempt`, `nexus.item` of an `each` step; at its end `cicd.pipeline.task.run.result`, `error.type`, `otel.status_code` |
//!
//! Events: in the step `retry` (a warning, with `nexus.wait_seconds`), `bypassed` and `cancelled`, in the
//! attempt `progress`, in the run `stopped`. All of them have the target `nexus`.
//!
//! With a [`Propagator`], such as the one for OpenTelemetry of the feature `opentelemetry`, events know
//! their W3C `traceparent` (`Context::traceparent`), in worker processes too, and a durable run that goes
//! on in another process is linked to the trace in which it began.
//!
//! Reasons and messages of failures are texts of users and may be about people, so they are not in spans;
//! the kind of an error is.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "metrics")]
mod bounded;
#[cfg(feature = "logs")]
mod logs;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "metrics")]
mod names;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
mod propagator;
#[cfg(feature = "process")]
mod remote;
mod results;
mod spans;

#[cfg(feature = "logs")]
pub use logs::{AttemptLine, AttemptLogs};
#[cfg(feature = "metrics")]
pub use metrics::Metrics;
#[cfg(feature = "metrics")]
pub use names::{METRICS, Metric, MetricKind};
#[cfg(feature = "opentelemetry")]
pub use opentelemetry::OpenTelemetry;
pub use propagator::Propagator;
pub use spans::Spans;
