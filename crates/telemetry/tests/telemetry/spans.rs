//! Spans in this process.

use nexus_core::{
    AsyncExecutor, Bypass, Context, Engine, Fields, Flow, Inputs, Outcome, Plan, Registry,
    RetryPolicy, ThreadPoolExecutor,
};
use nexus_telemetry::Spans;
use std::sync::Arc;

use crate::seen::{SeenSpan, seen};

fn engine() -> Engine {
    Engine::builder().observer(Spans::new()).build().unwrap()
}

fn plan(flow: &str, registry: &Registry) -> Arc<Plan> {
    Flow::parse(flow).unwrap().plan(registry, &Fields::new()).unwrap()
}

#[test]
fn what_a_body_says_stands_in_the_span_of_its_attempt_wherever_it_runs() {
    let seen = seen();
    let inner = {
        let mut registry = Registry::new();
        registry.event("leaf", |_: &Context| {
            tracing::info!("from the leaf");
            Outcome::success(1_u32)
        });
        plan("leaf", &registry)
    };
    let engine = engine();
    let (nested, mut registry) = (engine.clone(), Registry::new());
    registry.event("here", move |_: &Context| {
        tracing::info!("from here");
        nested.run_plan(&inner, Inputs::new()).unwrap();
        tracing::info!("from here again");
        Outcome::success(1_u32)
    });
    registry
        .event("pool", |ctx: &Context| {
            tracing::info!("from attempt {}", ctx.attempt());
            if ctx.attempt() == 1 { Err(std::io::Error::other("busy")) } else { Ok(2_u32) }
        })
        .executor::<ThreadPoolExecutor>()
        .retry_policy(RetryPolicy::builder().backoff_factor(0.001).build());
    registry
        .async_event("future", |_: &Context| {
            Box::pin(async {
                tracing::info!("before the wait");
                tokio::task::yield_now().await;
                tracing::info!("after the wait");
                Outcome::success(3_u32)
            })
        })
        .executor::<AsyncExecutor>();
    registry.event("no", |_: &Context| Outcome::<u32>::failure("private words"));
    let plan = plan("here -> pool -> future -> no", &registry);
    engine.run_plan(&plan, Inputs::new()).unwrap();

    for (said, event, attempt) in [
        ("from here", "here", "1"),
        ("from here again", "here", "1"),
        ("from the leaf", "leaf", "1"),
        ("from attempt 1", "pool", "1"),
        ("from attempt 2", "pool", "2"),
        ("before the wait", "future", "1"),
        ("after the wait", "future", "1"),
    ] {
        let around = seen.around(seen.said(said).parent);
        let names: Vec<_> = around.iter().take(3).map(|it| it.name).collect();
        assert_eq!(names, ["attempt", "step", "run"], "{said}");
        assert!(around[0].is("cicd.pipeline.task.name", event), "{said}");
        assert!(around[0].is("nexus.attempt", attempt), "{said}");
        assert!(around.iter().all(SeenSpan::is_over), "{said}: {around:?}");
    }
    let failed = &seen.around(seen.said("from attempt 1").parent)[0];
    assert!(failed.is("cicd.pipeline.task.run.id", "pool#1"));
    assert!(failed.is("cicd.pipeline.task.run.result", "error"));
    assert!(failed.is("error.type", "error") && failed.is("otel.status_code", "ERROR"));
    let (step, of_step) = seen.the("step", "nexus.step", "pool");
    assert!(of_step.is("nexus.step.result", "success"));
    let said: Vec<_> =
        seen.said_inside(step).iter().map(|it| it.fields["message"].clone()).collect();
    assert_eq!(said, ["from attempt 1", "retry", "from attempt 2"]);
    // The run inside of an event is in the attempt that began it.
    let inner = &seen.around(seen.said("from the leaf").parent)[2..];
    let names: Vec<_> = inner.iter().map(|it| it.name).collect();
    assert_eq!(names, ["run", "attempt", "step", "run"]);
    assert!(inner[0].is("cicd.pipeline.result", "success"));
    assert!(inner[1].is("cicd.pipeline.task.name", "here"));
    assert!(inner[3].is("cicd.pipeline.result", "failure"));
    assert!(!seen.text().contains("private words"), "reasons may be private");
}

#[test]
fn a_step_is_one_span_with_all_its_attempts_and_items() {
    let seen = seen();
    let mut registry = Registry::new();
    registry.event("make_three", |_: &Context| Outcome::success(vec![1_u32, 2, 3]));
    registry
        .event("one_of_three", |ctx: &Context| {
            ctx.progress(1, 2);
            Outcome::success(ctx.previous()[0].value::<u32>().copied().unwrap_or_default())
        })
        .each_of::<u32>()
        .executor::<ThreadPoolExecutor>();
    registry
        .event("never", |_: &Context| Outcome::success(()))
        .bypass(|_: &Context| Bypass::skip_with("private too", ()));
    registry.event("enough", |_: &Context| Outcome::<u32>::failure("x")).stop_on_error(true);
    registry.event("after_enough", |_: &Context| Outcome::success(1_u32));
    let plan =
        plan("make_three |-> one_of_three[each] -> never -> enough -> after_enough", &registry);
    engine().run_plan(&plan, Inputs::new()).unwrap();

    let (step, of_step) = seen.the("step", "nexus.step", "one_of_three");
    let items = seen.spans(|it| it.name == "attempt" && it.parent == Some(step));
    let mut numbers: Vec<_> = items.iter().map(|it| it.1.fields["nexus.item"].clone()).collect();
    numbers.sort();
    assert_eq!(numbers, ["0", "1", "2"]);
    let progress = seen.said_inside(step);
    assert_eq!(progress.len(), 3);
    assert!(progress.iter().all(|it| it.fields["nexus.total"] == "2"), "{progress:?}");
    let (bypassed, _) = seen.the("step", "nexus.step", "never");
    assert_eq!(seen.said_inside(bypassed)[0].fields["message"], "bypassed");
    let (_, enough) = seen.the("step", "nexus.step", "enough");
    assert!(enough.is("nexus.step.result", "failure") && enough.is("otel.status_code", "ERROR"));
    assert!(seen.spans(|it| it.is("nexus.step", "after_enough")).is_empty());
    let run = seen.span(of_step.parent.unwrap());
    assert_eq!(seen.said("stopped").parent, of_step.parent);
    assert!(run.is("cicd.pipeline.result", "skip") && run.is_over(), "{run:?}");
}

/// Otherwise a run in the background would be lost from the trace of the request that began it.
#[test]
fn a_run_is_in_the_span_in_which_somebody_asked_for_it() {
    let seen = seen();
    let mut registry = Registry::new();
    registry.event("asked_for", |_: &Context| Outcome::success(1_u32));
    let plan = plan("asked_for", &registry);
    let request = tracing::info_span!("request");
    let engine = engine();
    let handle =
        request.in_scope(|| engine.prepare_plan(&plan, Inputs::new()).unwrap().start().unwrap());
    handle.wait().unwrap();
    let (_, step) = seen.the("step", "nexus.step", "asked_for");
    let around: Vec<_> = seen.around(step.parent).iter().map(|it| it.name).collect();
    assert_eq!(around, ["run", "request"]);
}
