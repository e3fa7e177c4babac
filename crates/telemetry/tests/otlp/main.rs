//! What a collector gets over OTLP: a trace that crosses threads, an async event, a worker process, a run
//! inside of an event, the end of an engine, and the death of a process.
//!
//! It is a program of its own, whose worker processes begin in its `main`.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what it expects")]

#[path = "../../examples/otlp/client.rs"]
mod client;
mod killed;
mod receiver;
#[path = "../../examples/otlp/recorder.rs"]
mod recorder;
#[path = "../../examples/otlp/setup.rs"]
mod setup;

use std::sync::Arc;

use nexus::prelude::*;
use nexus::{EngineBuilder, Secret, Shutdown};
use nexus_core::journal::MemoryStore;
use nexus_telemetry::{METRICS, Metrics, OpenTelemetry, Spans};

use crate::receiver::{Receiver, attribute};
use crate::setup::Exporters;

/// It must be in nothing that is sent.
const CANARY: &str = "canary-83d0";

#[event]
fn leaf(number: u32) -> Outcome<u32> {
    tracing::info!("in the leaf");
    Outcome::success(number)
}

#[derive(Pipeline)]
#[pipeline(flow = leaf)]
struct Inner {
    number: u32,
}

#[event(
    executor = ThreadPoolExecutor,
    retry_policy = { max_attempts: 2, backoff_factor: 0.001 },
)]
fn on_thread(number: u32, engine: State<Inside>, ctx: &Context) -> Result<u32, std::io::Error> {
    let _span = tracing::info_span!("thread work", attempt = ctx.attempt()).entered();
    if ctx.attempt() == 1 {
        return Err(std::io::Error::other("busy"));
    }
    engine.0.run(Inner { number }).map_err(std::io::Error::other)?;
    Ok(number)
}

/// The engine of the runs inside of events.
struct Inside(Engine);

#[event(executor = AsyncExecutor)]
async fn in_future(number: u32) -> Outcome<u32> {
    tracing::info!("before the wait");
    tokio::task::yield_now().await;
    tracing::info!("after the wait");
    Outcome::success(number)
}

#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 1 })]
fn in_process(number: u32, ctx: &Context) -> Outcome<String> {
    let span = tracing::info_span!("worker work", number);
    span.in_scope(|| tracing::warn!(answer = 42, "in the worker"));
    Outcome::success(ctx.traceparent().unwrap_or_default())
}

#[event]
fn approve(#[piped] traceparent: String) -> Outcome<String> {
    _ = traceparent;
    Outcome::pending()
}

#[event]
fn after_approval(#[piped] answer: &String) -> Outcome<String> {
    Outcome::success(answer.clone())
}

#[derive(Pipeline)]
#[pipeline(durable, flow = on_thread -> in_future -> in_process |-> approve |-> after_approval)]
struct Trip {
    number: u32,
}

#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 1 })]
fn whisper(password: &Secret<String>) -> Outcome<()> {
    assert_eq!(password.expose(), CANARY);
    tracing::error!(?password, "do not say {password}");
    Outcome::failure(format!("not {password}, and not {}", password.expose()))
}

#[derive(Pipeline)]
#[pipeline(flow = whisper)]
struct Whisper {
    password: Secret<String>,
}

/// An engine that is watched.
fn observed() -> EngineBuilder {
    Engine::builder().observer(Spans::with(OpenTelemetry)).observer(Metrics::new())
}

fn main() {
    nexus::init();
    if killed::half() {
        return;
    }
    let (receiver, address) = Receiver::start();
    let exporters = Exporters::to(&address).unwrap();
    let traceparent = run_everything();
    exporters.shutdown().unwrap();

    the_first_half_is_one_trace(&receiver, &traceparent);
    the_second_half_is_linked_to_the_first(&receiver);
    let whisper = receiver.the("whisper", |span| span.attribute("nexus.attempt").is_some());
    assert_eq!(whisper.events("do not say ***").len(), 1);
    assert!(!receiver.text().contains(CANARY));
    let (metrics, sent) = (METRICS.iter().map(|it| it.name), receiver.metrics());
    // No worker was lost.
    let missing: Vec<_> = metrics.filter(|name| !sent.iter().any(|it| it == name)).collect();
    assert_eq!(missing, ["nexus_workers_lost_total"]);
    killed::a_run_of_a_killed_process_goes_on_in_a_trace_that_is_linked_to_the_first();
    println!("otlp: ok");
}

/// Gives what the event in the worker process had as its `traceparent`.
fn run_everything() -> String {
    let store = Arc::new(MemoryStore::new());
    let inside = observed().build().unwrap();
    let engine = || {
        let builder = observed().state(Inside(inside.clone()));
        builder.store(Arc::clone(&store)).build().unwrap()
    };
    let first = engine();
    let request = tracing::info_span!("request");
    let handle = request
        .in_scope(|| first.prepare(Trip { number: 7 }).unwrap().key("trip").start().unwrap());
    drop(request);
    while first.pending("trip").unwrap().is_empty() {
        std::thread::yield_now();
    }
    let history = first.history("trip").unwrap().unwrap();
    let step = history.steps.iter().find(|step| step.event == "in_process").unwrap();
    let traceparent = step.value.as_ref().unwrap().as_str().unwrap().to_owned();
    first.shutdown(Shutdown::release());
    assert!(handle.wait().is_err(), "it is left to be resumed");

    let second = engine();
    let resumed = second.resume().unwrap().pop().unwrap();
    second.resolve("trip", "approve", "yes").unwrap();
    assert!(resumed.wait().unwrap().is_success());
    let report = inside.run(Whisper { password: Secret::new(CANARY.to_owned()) }).unwrap();
    assert!(!report.is_success());
    traceparent
}

fn the_first_half_is_one_trace(receiver: &Receiver, traceparent: &str) {
    let is_left = |result: &str| {
        let result = result.to_owned();
        move |span: &receiver::Received| {
            span.attribute("cicd.pipeline.result").as_deref() == Some(&result)
        }
    };
    let run = receiver.the("Trip", is_left("left"));
    assert_eq!(run.attribute("cicd.pipeline.name").as_deref(), Some("Trip"));
    assert_eq!(run.attribute("cicd.pipeline.run.id").unwrap().len(), 32);
    assert_eq!(run.attribute("nexus.run.key").as_deref(), Some("trip"));
    let request = receiver.around(&run);
    assert_eq!((request.name(), request.text("parentSpanId")), ("request", ""));
    let trace = request.text("traceId");
    assert_eq!(trace, run.text("traceId"));

    // From the bodies outwards: attempt, step, run.
    let second_try =
        receiver.the("thread work", |span| span.attribute("attempt").as_deref() == Some("2"));
    let worker = receiver.only("worker work");
    for (body, event) in [(&second_try, "on_thread"), (&worker, "in_process")] {
        let attempt = receiver.around(body);
        assert_eq!(attempt.name(), event);
        assert_eq!(attempt.attribute("cicd.pipeline.task.name").as_deref(), Some(event));
        assert_eq!(attempt.attribute("cicd.pipeline.task.run.result").as_deref(), Some("success"));
        let step = receiver.around(&attempt);
        assert_eq!((step.name(), step.status()), (event, Some(1)));
        assert_eq!(receiver.around(&step).text("spanId"), run.text("spanId"));
        assert_eq!(body.text("traceId"), trace);
    }
    let said = &worker.events("in the worker")[0];
    assert_eq!(attribute(said, "answer").as_deref(), Some("42"));
    let of_worker = receiver.around(&worker);
    assert_eq!(traceparent, format!("00-{trace}-{}-01", of_worker.text("spanId")));

    let first_try =
        receiver.the("thread work", |span| span.attribute("attempt").as_deref() == Some("1"));
    let failed = receiver.around(&first_try);
    assert_eq!(failed.attribute("error.type").as_deref(), Some("error"));
    assert_eq!(failed.attribute("cicd.pipeline.task.run.id").as_deref(), Some("on_thread#1"));
    assert_eq!(failed.status(), Some(2));
    assert_eq!(receiver.around(&failed).events("retry").len(), 1);

    let future = receiver.the("in_future", |span| span.attribute("nexus.attempt").is_some());
    assert_eq!(future.events("before the wait").len(), 1);
    assert_eq!(future.events("after the wait").len(), 1);
    assert_eq!(future.text("traceId"), trace);

    // The run inside of an event.
    let inner = receiver.only("Inner");
    assert_eq!(receiver.around(&inner).text("spanId"), second_try.text("spanId"));
    assert_eq!(inner.text("traceId"), trace);
}

fn the_second_half_is_linked_to_the_first(receiver: &Receiver) {
    let result = |span: &receiver::Received| span.attribute("cicd.pipeline.result");
    let first = receiver.the("Trip", |span| result(span).as_deref() == Some("left"));
    let second = receiver.the("Trip", |span| result(span).as_deref() == Some("success"));
    let of_first = (first.text("traceId").to_owned(), first.text("spanId").to_owned());
    assert_eq!(second.links(), [of_first]);
    assert_eq!(second.attribute("nexus.run.resumed").as_deref(), Some("true"));
    assert_ne!(second.text("traceId"), first.text("traceId"));
    let step = receiver.the("after_approval", |span| span.attribute("nexus.attempt").is_none());
    assert_eq!(receiver.around(&step).text("spanId"), second.text("spanId"));
}
