//! What bodies say in worker processes.

use nexus::Secret;
use nexus::prelude::*;
use nexus_telemetry::Spans;

use crate::seen::{Numbers, SeenSpan, seen};

/// It must be found nowhere but in the body.
const CANARY: &str = "canary-4f1b";

#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 1 })]
fn speaks(number: u32, password: &Secret<String>, ctx: &Context) -> Outcome<String> {
    assert_eq!(password.expose(), CANARY);
    let span = tracing::debug_span!("work", number, late = tracing::field::Empty);
    let line = span.in_scope(|| {
        tracing::warn!(number, text = "five", ratio = 0.5, ok = true, ?password, "from the worker");
        line!() - 1
    });
    span.record("late", 7_u64);
    tracing::info!("after the work");
    tracing::trace!("nobody wants to hear this");
    Outcome::success(format!("{line} {}", ctx.traceparent().unwrap_or_default()))
}

#[derive(Pipeline)]
#[pipeline(flow = speaks)]
struct Speak {
    number: u32,
    password: Secret<String>,
}

/// Otherwise the logs of worker processes would be lost, or stand outside of all traces.
#[test]
fn what_a_body_says_in_a_worker_is_said_in_the_span_of_its_attempt() {
    let seen = seen();
    let engine = Engine::builder().observer(Spans::with(Numbers)).build().unwrap();
    let report =
        engine.run(Speak { number: 12, password: Secret::new(CANARY.to_owned()) }).unwrap();
    let output: &String = report.output().unwrap();
    let (line, traceparent) = output.split_once(' ').unwrap();

    let said = seen.said("from the worker");
    assert_eq!(said.line, line.parse().ok());
    let fields = ["number", "text", "ratio", "ok", "password"].map(|field| &*said.fields[field]);
    assert_eq!(fields, ["12", "five", "0.5", "true", "***"]);
    let around = seen.around(said.parent);
    let names: Vec<_> = around.iter().map(|it| it.name).collect();
    assert_eq!(names, ["work", "attempt", "step", "run"]);
    assert_eq!(around[0].target, module_path!());
    assert!(around[0].is("number", "12") && around[0].is("late", "7"), "{around:?}");
    assert!(around.iter().all(SeenSpan::is_over), "{around:?}");
    let after = seen.said("after the work");
    assert_eq!(after.parent, around[0].parent);
    assert_eq!(traceparent, format!("00-{:032x}-{:016x}-01", 1, after.parent.unwrap()));
    assert!(!seen.text().contains("nobody wants"));
    assert!(!seen.text().contains(CANARY));
    assert!(!report.to_string().contains(CANARY));
}
