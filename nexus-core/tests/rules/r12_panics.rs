//! R12: a panic is one event's matter.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use super::support::*;

/// Panics when it is dropped.
#[derive(Debug)]
pub(crate) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "{ON_PURPOSE}: drop");
    }
}

#[derive(Debug)]
struct BadDisplay;

impl std::fmt::Display for BadDisplay {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("{ON_PURPOSE}: display")
    }
}

impl std::error::Error for BadDisplay {}

/// The places where a body may run.
const PLACES: [&str; 3] = [
    "executor = DefaultExecutor",
    "executor = ThreadPoolExecutor, executor_config = {max_workers: 1}",
    "max_attempts = 1",
];

fn exception(report: &Report, path: &str) -> Exception {
    match report.step(path).unwrap().outcome() {
        StepOutcome::Exception(exception) => exception,
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn a_panic_in_a_body_is_reported_with_message_and_place_and_the_pool_lives_on() {
    let mut registry = registry();
    registry.event("Boom", |_: &Context| -> Outcome<u32> { panic!("{ON_PURPOSE}: {}", 7) });
    registry.event("Strange", |_: &Context| -> Outcome<u32> { std::panic::panic_any(7_u8) });
    for place in PLACES {
        let report =
            run(&registry, &format!("{{Boom (0 -> S) || S || {{Boom -> S}}}}[{place}] -> S"));
        assert_eq!(report.status(), Status::Failed);
        assert_eq!(ran(&report).len(), 6, "all other steps run");
        let exception = exception(&report, "Boom");
        assert_eq!(
            (exception.kind(), exception.message()),
            (ExceptionKind::Panic, "on purpose: 7")
        );
        assert!(
            exception.location().is_some_and(|place| place.contains("r12_panics.rs:")),
            "{exception}"
        );
        assert!(exception.to_string().contains("panicked at"));
    }
    assert_eq!(
        exception(&run(&registry, "Strange"), "Strange").message(),
        "a panic whose payload is no text"
    );
}

#[test]
fn a_panic_in_the_display_of_an_error_is_an_exception_of_its_event() {
    let mut registry = registry();
    registry.event("Bad", |_: &Context| Err::<(), _>(BadDisplay));
    registry.event("Inner", |_: &Context| Err::<(), _>(Outer(BadDisplay)));
    for place in PLACES {
        let report = run(&registry, &format!("Bad[{place}] (0 -> S) -> S"));
        assert!(report.is_success(), "{report}");
        assert_eq!(exception(&report, "Bad").message(), "on purpose: display");
    }
    // A source is only shown by the report, where the reader calls.
    let report = run(&registry, "Inner (0 -> S)");
    assert_eq!(exception(&report, "Inner").message(), "outer");
    let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| report.to_string()));
    assert!(shown.is_ok(), "the whole report is lost to one error's Display");
}

#[test]
fn a_panic_in_the_drop_of_a_value_inside_a_body_is_an_exception() {
    let mut registry = registry();
    registry.event("Bad", |_: &Context| {
        drop(Bomb);
        Outcome::success(())
    });
    for place in PLACES {
        let report = run(&registry, &format!("Bad[{place}] (0 -> S) -> S"));
        assert_eq!(exception(&report, "Bad").message(), "on purpose: drop");
    }
}

/// Runs a flow whose late result is a bomb.
fn late_bomb(engine: &Engine) {
    let mut registry = registry();
    let begun = Meeting::of(2);
    let ends = begun.clone();
    registry.event("Late", move |ctx: &Context| {
        begun.attend();
        let until = std::time::Instant::now() + PATIENCE / 2;
        while !ctx.is_cancelled() && std::time::Instant::now() < until {
            std::thread::yield_now();
        }
        Outcome::success(Bomb)
    });
    registry.event("Fail", move |_: &Context| {
        ends.attend();
        Outcome::<()>::failure("no")
    });
    let pool = "executor = ThreadPoolExecutor, executor_config = {max_workers: 2}";
    let flow = format!(
        "{{Late || Fail}}[execution_evaluation_state = FailureForPartialError, {pool}] (0 -> S) -> S"
    );
    let report = run_on(engine, &registry, &format!("{flow} -> {{S || S}}[{pool}]"));
    assert!(report.is_success(), "{report}");
}

#[test]
fn a_panic_in_the_drop_of_a_result_that_came_too_late_harms_no_run_and_no_pool() {
    struct Deaf;
    impl Observer for Deaf {}
    for engine in
        [TestEngine::new().build().unwrap(), TestEngine::new().observer(Deaf).build().unwrap()]
    {
        for _ in 0..20 {
            late_bomb(&engine);
        }
    }
}

struct Loud;

impl Observer for Loud {
    fn pipeline_execution_start(&self, _: &RunEvent<'_>) {
        panic!("{ON_PURPOSE}")
    }
    fn pipeline_execution_stop(&self, _: &RunEvent<'_>, _: &StepEvent<'_>, _: StopCondition) {
        panic!("{ON_PURPOSE}")
    }
    fn pipeline_execution_end(&self, _: &RunEvent<'_>, _: &RunEnd<'_>) {
        panic!("{ON_PURPOSE}")
    }
    fn event_execution_init(&self, _: &StepEvent<'_>) {
        panic!("{ON_PURPOSE}")
    }
    fn event_execution_start(&self, _: &StepEvent<'_>) {
        panic!("{ON_PURPOSE}")
    }
    fn event_execution_end(&self, _: &StepEvent<'_>, _: Ended<'_>) {
        panic!("{ON_PURPOSE}")
    }
    fn event_execution_retry(&self, _: &StepEvent<'_>, _: &Exception, _: Duration) {
        panic!("{ON_PURPOSE}")
    }
    fn event_execution_retry_done(&self, _: &StepEvent<'_>, _: Ended<'_>) {
        panic!("{ON_PURPOSE}")
    }
    fn event_execution_bypassed(&self, _: &StepEvent<'_>, _: &str) {
        panic!("{ON_PURPOSE}")
    }
}

#[test]
fn a_panic_in_an_observer_changes_nothing_of_the_run() {
    let mut registry = registry();
    registry
        .event("Skip", |_: &Context| Outcome::success(1_u32))
        .bypass(|_| Bypass::<u32>::skip("no"));
    let flow = "S || P * 3 || Skip -> F (0 -> S)";
    let quiet = run(&registry, flow);
    let loud = run_on(&TestEngine::new().observer(Loud).build().unwrap(), &registry, flow);
    assert_eq!(serde_json::to_value(&loud).unwrap(), serde_json::to_value(&quiet).unwrap());
}

#[test]
fn a_panic_in_a_retry_predicate_means_no_retry() {
    let mut registry = registry();
    let policy = RetryPolicy::builder().retry_if(|_: &Broke| panic!("{ON_PURPOSE}")).build();
    registry.event("Bad", |_: &Context| Err::<(), _>(Broke)).retry_policy(policy);
    for place in PLACES {
        let flow = format!("Bad[{place}] (0 -> S)").replace("[max_attempts = 1]", "");
        let report = run(&registry, &flow);
        assert!(report.is_success());
        assert_eq!(report.step("Bad").unwrap().attempts(), 1);
        assert_eq!(exception(&report, "Bad").message(), "broke");
    }
}

#[test]
fn a_panic_in_the_items_of_an_each_step_is_an_exception_of_that_step() {
    let mut registry = typed_registry();
    registry.event("Stream", |_: &Context| {
        Outcome::success(Items::new(
            (2..10_u32).inspect(|item| assert!(*item < 5, "{ON_PURPOSE}: items")),
        ))
    });
    for place in PLACES {
        let flow = format!("Stream |-> Item[each, max_concurrency = 1, {place}] (0 -> S) -> S");
        let report = run(&registry, &flow);
        assert!(report.is_success(), "{report}");
        assert_eq!(exception(&report, "Item").message(), "on purpose: items");
    }
}

typed!(Defuse, ByRef<Bomb> => (), &[PIPED], |inputs| {
    inputs.piped::<ByRef<Bomb>>()?;
    outcome(Outcome::success(()))
});

#[test]
fn an_item_that_panics_when_it_is_dropped_costs_neither_others_nor_the_run() {
    let mut registry = registry();
    registry.event("Bombs", |_: &Context| Outcome::success(Items::new((0..3).map(|_| Bomb))));
    registry.add::<Defuse>();
    for place in PLACES {
        let report = run(&registry, &format!("Bombs |-> Defuse[each, {place}] -> S"));
        assert!(report.is_success(), "{report}");
        assert_eq!(report.step("Defuse").unwrap().attempts(), 3);
    }
}

#[test]
fn no_lock_is_held_while_user_code_runs_so_an_event_may_run_a_pipeline_of_the_same_engine() {
    let engine = TestEngine::new().build().unwrap();
    let inner = plan(
        &registry(),
        "{S || S}[executor = ThreadPoolExecutor, executor_config = {max_workers: 2}] |-> SUM",
    );
    let mut registry = registry();
    let within = engine.clone();
    registry.event("Nest", move |_: &Context| {
        let report = within.run_plan(&inner, Inputs::new()).unwrap();
        Outcome::success(*report.output::<u32>().unwrap())
    });
    assert_eq!(run_on(&engine, &registry, "Nest").output::<u32>().unwrap(), &2);
    assert!(run_on(&engine, &registry, "Nest || Nest || S").is_success());
}

#[test]
fn what_an_event_yields_after_its_run_costs_no_thread_if_its_drop_panics() {
    /// Panics when it is dropped, and says so before.
    #[derive(Debug)]
    struct Told(mpsc::Sender<()>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
            panic!("{ON_PURPOSE}: late drop");
        }
    }
    let mut registry = registry();
    let (start, told_of_start) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let (dropped, told) = mpsc::channel();
    let (gate, ends) = (Mutex::new(gate), Mutex::new((start, dropped)));
    registry.event("Late", move |_: &Context| {
        let (start, dropped) = &*ends.lock().unwrap();
        start.send(()).unwrap();
        let _ = gate.lock().unwrap().recv();
        Outcome::success(Told(dropped.clone()))
    });
    let (engine, plan) = (Engine::new(), plan(&registry, "Late"));
    let mut future = Box::pin(engine.prepare_plan(&plan, Inputs::new()).unwrap().run_async());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut cx).is_pending());
    told_of_start.recv_timeout(PATIENCE).unwrap();
    drop(future);
    drop(open);
    told.recv_timeout(PATIENCE).unwrap();
    within(move || assert!(engine.shutdown(Shutdown::drain()).is_clean()));
}
