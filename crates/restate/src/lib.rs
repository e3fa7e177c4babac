//! Runs nexus pipelines on a cluster of [Restate](https://restate.dev) servers: the events and the
//! pipelines stay as they are, and the program gains a role.
//!
//! A *worker* offers the program's events and durable pipelines to the cluster; it may run as often and
//! on as many machines as one likes:
//!
//! ```no_run
//! # #[cfg(feature = "sdk")]
//! # fn main() -> Result<(), nexus_restate::Error> {
//! use nexus_restate::Worker;
//! Worker::new()
//!     .listen("127.0.0.1:9080")
//!     .register("http://127.0.0.1:9070", "http://127.0.0.1:9080")
//!     .run()
//! # }
//! # #[cfg(not(feature = "sdk"))]
//! # fn main() {}
//! ```
//!
//! Anywhere else a [`Cluster`] takes the place of the engine: `cluster.prepare(pipeline)?.key("order-7").run()?`
//! gives the same report that an engine gives.
//!
//! Each event is a service of its own, `nexus.<event>`, and each run a workflow,
//! `nexus-pipeline.<pipeline>`, with the run's key. The server keeps what has happened, redelivers
//! what a lost worker had, and waits durably; what a flow means is decided by nexus's run core, the same
//! as everywhere. An event that says `executor = DefaultExecutor` runs inside of the run's own handler, as
//! a recorded step, which takes a fraction of a call; so do events that are made of closures.
//!
//! The server is a program of its own under the Business Source License 1.1, and no part of nexus.
#![cfg_attr(
    not(feature = "sdk"),
    allow(
        dead_code,
        rustdoc::broken_intra_doc_links,
        reason = "without the feature, what uses it is left out"
    )
)]

mod interpreter;
mod message;
mod output;
mod start;

#[cfg(feature = "sdk")]
mod cluster;
#[cfg(feature = "sdk")]
mod context;
#[cfg(feature = "sdk")]
mod error;
#[cfg(feature = "sdk")]
mod http;
#[cfg(feature = "sdk")]
mod listing;
#[cfg(feature = "sdk")]
mod pace;
#[cfg(feature = "sdk")]
mod recorded;
#[cfg(feature = "sdk")]
mod resolving;
#[cfg(feature = "sdk")]
mod service;
#[cfg(feature = "sdk")]
mod serving;
#[cfg(feature = "sdk")]
mod worker;

#[cfg(feature = "sdk")]
pub use cluster::{Cluster, Prepared};
#[cfg(feature = "sdk")]
pub use error::{Error, Result};
#[cfg(feature = "sdk")]
pub use listing::{ClusterRun, RunFilter};
#[cfg(feature = "sdk")]
pub use worker::Worker;

#[cfg(test)]
mod tests;
