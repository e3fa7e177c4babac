//! Runs that go on.

use std::sync::Arc;

use nexus_core::driver::{Action, EventHost, RunMachine, Timestamp};
use nexus_core::journal::{MemoryStore, RecordKind, Store};
use nexus_core::{
    Context, Engine, Fields, Flow, Inputs, Outcome, Plan, Registry, Shutdown, TraceContext,
};
use nexus_telemetry::Spans;

use crate::seen::{Numbers, seen};

fn plan() -> Arc<Plan> {
    let mut registry = Registry::new();
    registry.event("before_the_end", |_: &Context| Outcome::success(1_u32)).output_json();
    registry
        .event("waits_for_somebody", |ctx: &Context| {
            tracing::info!("{:?}", ctx.traceparent());
            Outcome::<u32>::pending()
        })
        .output_json();
    let flow = Flow::parse("before_the_end -> waits_for_somebody").unwrap();
    flow.plan(&registry, &Fields::new()).unwrap()
}

/// Otherwise nobody would find the first part of a run that was killed.
#[test]
fn a_run_that_goes_on_is_linked_to_the_trace_that_it_began_in() {
    let seen = seen();
    let (store, plan) = (Arc::new(MemoryStore::new()), plan());
    let engine = || {
        let builder = Engine::builder().store(Arc::clone(&store)).observer(Spans::with(Numbers));
        builder.resumable(&plan).build().unwrap()
    };
    let first = engine();
    let handle = first.prepare_plan(&plan, Inputs::new()).unwrap().key("links").start().unwrap();
    while first.pending("links").unwrap().is_empty() {
        std::thread::yield_now();
    }
    first.shutdown(Shutdown::release());
    assert!(handle.wait().is_err(), "it was left");
    drop(first);

    let runs = || seen.spans(|it| it.is("nexus.run.key", "links"));
    let (id, begun) = runs().remove(0);
    assert!(begun.is("cicd.pipeline.result", "left") && begun.is_over(), "{begun:?}");
    let traceparent = format!("00-{:032x}-{id:016x}-01", 1);
    let records = store.records("links", 0, 1).unwrap();
    assert_eq!((records[0].kind, &records[0].body), (RecordKind::Traced, &traceparent));

    let second = engine();
    assert_eq!(second.resume().unwrap().len(), 1);
    let [(_, _), (again, resumed)] = &*runs() else { panic!("{:?}", runs()) };
    assert!(resumed.is("nexus.run.resumed", "true"), "{resumed:?}");
    let linked = seen.said_inside(*again);
    assert_eq!(linked[0].fields["traceparent"], traceparent);
    second.cancel("links").unwrap();
    second.shutdown(Shutdown::drain());
    // What was recorded of the trace is no part of what happened.
    let history = nexus_core::journal::History::read(&*store, "links").unwrap().unwrap();
    assert_eq!(history.steps[0].attempts.len(), 1);
}

/// Otherwise the bodies of a cluster's workers would be outside of all traces.
#[test]
fn an_attempt_of_a_run_that_is_driven_elsewhere_is_in_the_trace_of_its_request() {
    let seen = seen();
    let mut registry = Registry::new();
    registry
        .event("far_away", |ctx: &Context| {
            tracing::info!("from far away");
            Outcome::success(ctx.traceparent())
        })
        .output_json();
    let flow = Flow::parse("far_away").unwrap();
    let plan = flow.plan(&registry, &Fields::new()).unwrap();
    let start = RunMachine::start(&plan, "far", Inputs::new(), Timestamp(0), None).unwrap();
    let mut machine = RunMachine::new(&plan, start).unwrap();
    let Some(Action::Start(task)) = machine.next_action() else { panic!("nothing to do") };
    let host = EventHost::new(registry).observer(Spans::with(Numbers));
    let trace = TraceContext::new(Some("00-5-6-01".to_owned()), 0);
    let outcome = host.task_in(&machine.request(task, 1 << 20).unwrap(), trace).run();
    assert!(outcome.contains("00-5-6-01"), "{outcome}");

    let said = seen.said("from far away");
    let around = seen.around(said.parent);
    assert_eq!(around.len(), 1);
    assert!(around[0].is("cicd.pipeline.task.name", "far_away") && around[0].is_over());
    assert!(around[0].is("cicd.pipeline.task.run.result", "success"), "{around:?}");
    assert_eq!(seen.said("has a parent elsewhere").fields["traceparent"], "00-5-6-01");
}

fn place(ctx: &Context) -> Outcome<Option<String>> {
    Outcome::success(ctx.traceparent())
}

/// Otherwise an attempt would be in the trace of somebody else's request.
#[test]
fn the_trace_of_a_request_that_is_refused_is_not_that_of_the_next() {
    let mut registry = Registry::new();
    registry.event("place", place).output_json();
    let plan = Flow::parse("place").unwrap().plan(&registry, &Fields::new()).unwrap();
    let start = RunMachine::start(&plan, "next", Inputs::new(), Timestamp(0), None).unwrap();
    let mut machine = RunMachine::new(&plan, start).unwrap();
    let Some(Action::Start(task)) = machine.next_action() else { panic!("nothing to do") };
    let host = EventHost::new(registry);
    let trace = TraceContext::new(Some("00-7-8-01".to_owned()), 0);
    let refused = host.task_in("no request", trace).run();
    assert!(refused.contains("exception"), "{refused}");
    let outcome = host.task(&machine.request(task, 1 << 20).unwrap()).run();
    assert!(outcome.contains("success") && !outcome.contains("00-7-8-01"), "{outcome}");
}

/// Otherwise a worker keeps the span of every attempt that was given up, for ever.
#[test]
fn an_attempt_ends_where_its_future_is_dropped() {
    let seen = seen();
    let mut registry = Registry::new();
    registry
        .async_event("given_up", |_: &Context| Box::pin(std::future::pending::<Outcome<u32>>()))
        .output_json();
    let plan = Flow::parse("given_up").unwrap().plan(&registry, &Fields::new()).unwrap();
    let start = RunMachine::start(&plan, "up", Inputs::new(), Timestamp(0), None).unwrap();
    let mut machine = RunMachine::new(&plan, start).unwrap();
    let Some(Action::Start(task)) = machine.next_action() else { panic!("nothing to do") };
    let host = EventHost::new(registry).observer(Spans::with(Numbers));
    let mut run = Box::pin(host.task(&machine.request(task, 1 << 20).unwrap()).run_async());
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(run.as_mut().poll(&mut nobody).is_pending());
    let attempts = || seen.spans(|it| it.is("cicd.pipeline.task.name", "given_up"));
    assert!(attempts().iter().all(|(_, it)| !it.is_over()));
    drop(run);
    let [(_, attempt)] = &*attempts() else { panic!("{:?}", attempts()) };
    assert!(attempt.is_over(), "{attempt:?}");
}
