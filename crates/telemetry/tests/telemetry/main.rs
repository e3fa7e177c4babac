//! What a subscriber of `tracing` and a recorder of `metrics` learn of runs.

#![allow(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects, and counts in small numbers"
)]

nexus::test_workers!();

mod durable;
mod metrics;
mod processes;
mod seen;
mod spans;
