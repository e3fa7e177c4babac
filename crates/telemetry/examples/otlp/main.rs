//! Spans and metrics of a pipeline over OTLP, to a collector on this machine or the one that
//! `OTEL_EXPORTER_OTLP_ENDPOINT` names:
//!
//! ```text
//! docker run --rm -p 16686:16686 -p 4318:4318 jaegertracing/jaeger
//! cargo run -p nexus-telemetry --features otlp --example otlp
//! ```

mod client;
mod recorder;
mod setup;

use std::error::Error;

use nexus::prelude::*;
use nexus_telemetry::{Metrics, OpenTelemetry, Spans};

use crate::setup::Exporters;

/// Runs in a worker process; its logs and spans are sent from here all the same.
#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 2 })]
fn resize(pictures: &Vec<String>) -> Outcome<usize> {
    tracing::info!(count = pictures.len(), "resizing");
    Outcome::success(pictures.len())
}

/// Is tried again; the retry is an event in its span.
#[event(
    executor = ThreadPoolExecutor,
    retry_policy = { max_attempts: 3, backoff_factor: 0.01 },
)]
fn upload(#[piped] count: &usize, ctx: &Context) -> Result<usize, std::io::Error> {
    // What an HTTP client would send along, so that the other side's spans are in this trace.
    tracing::info!(traceparent = ctx.traceparent(), "uploading");
    if ctx.attempt() == 1 { Err(std::io::Error::other("busy")) } else { Ok(*count) }
}

#[derive(Pipeline)]
#[pipeline(flow = resize |-> upload)]
struct Publish {
    pictures: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    nexus::init();
    let collector = std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT");
    let collector = collector.unwrap_or_else(|_| "http://127.0.0.1:4318".to_owned());
    let exporters = Exporters::to(&collector)?;
    let engine =
        Engine::builder().observer(Spans::with(OpenTelemetry)).observer(Metrics::new()).build()?;
    let report = engine.run(Publish { pictures: vec!["a.jpg".into(), "b.jpg".into()] })?;
    println!("{report}");
    exporters.shutdown()
}
