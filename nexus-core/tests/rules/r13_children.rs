//! R13: a run that an event starts is cancelled with the event's task.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::*;

/// What became of the run inside of the event.
#[derive(Clone, Default)]
struct Inner {
    report: Arc<Mutex<Option<Report>>>,
    second_step: Arc<AtomicBool>,
    started: Arc<AtomicBool>,
    /// Moves by a minute while the first step runs.
    clock: testing::VirtualClock,
}

impl Inner {
    /// An engine whose clock moves when the first step runs, and only then.
    fn on_a_virtual_clock() -> (Self, Engine) {
        let test = TestEngine::new();
        let inner = Self { clock: test.clock(), ..Self::default() };
        (inner, test.build().unwrap())
    }

    /// A flow of two steps, of which the first runs until it is told that it is not wanted.
    fn plan(&self) -> Arc<Plan> {
        let mut registry = registry();
        let (started, second) = (Arc::clone(&self.started), Arc::clone(&self.second_step));
        let clock = self.clock.clone();
        registry.event("waits", move |ctx: &Context| {
            started.store(true, SeqCst);
            clock.advance(Duration::from_mins(1));
            wait_until(|| ctx.is_cancelled());
            Outcome::success(())
        });
        registry.event("second", move |_: &Context| {
            second.store(true, SeqCst);
            Outcome::success(())
        });
        plan(&registry, "waits -> second")
    }

    /// An event that runs that flow.
    fn register<'r>(&self, registry: &'r mut Registry, engine: &Engine) -> EventBuilder<'r, ()> {
        let (engine, plan, inner) = (engine.clone(), self.plan(), self.clone());
        registry.event("outer", move |_: &Context| {
            let report = engine.run_plan(&plan, Inputs::new()).unwrap();
            *inner.report.lock().unwrap() = Some(report);
            Outcome::success(())
        })
    }

    fn check(&self) {
        wait_until(|| self.report.lock().unwrap().is_some());
        let report = self.report.lock().unwrap().take().unwrap();
        assert_eq!(report.status(), Status::Cancelled);
        assert!(!self.second_step.load(SeqCst));
        let said = report.to_string();
        assert!(said.contains("the task that ran this pipeline was cancelled"), "{said}");
        let error = report.ok().unwrap_err().to_string();
        assert!(error.ends_with("was cancelled with the task that ran it"), "{error}");
    }
}

#[test]
fn an_attempt_that_times_out_takes_the_run_inside_of_it_with_it() {
    for place in ["", "executor = ThreadPoolExecutor"] {
        let (inner, engine) = Inner::on_a_virtual_clock();
        let mut registry = registry();
        inner.register(&mut registry, &engine).timeout(Duration::from_secs(50));
        let report = run_on(
            &engine,
            &registry,
            &if place.is_empty() { "outer".to_owned() } else { format!("outer[{place}]") },
        );
        let StepOutcome::Exception(exception) = report.step("outer").unwrap().outcome() else {
            panic!("{report}")
        };
        assert_eq!(exception.kind(), ExceptionKind::Timeout);
        inner.check();
    }
}

#[test]
fn a_run_that_is_cancelled_takes_the_runs_inside_of_it_with_it() {
    for flow in ["outer", "outer[executor = ThreadPoolExecutor]", "outer || S"] {
        let (inner, engine) = (Inner::default(), Engine::new());
        let mut registry = registry();
        inner.register(&mut registry, &engine);
        let prepared = engine.prepare_plan(&plan(&registry, flow), Inputs::new()).unwrap();
        let handle = prepared.start().unwrap();
        wait_until(|| inner.started.load(SeqCst));
        handle.cancel();
        inner.check();
        assert_eq!(within(move || handle.wait().unwrap()).status(), Status::Cancelled);
    }
}

#[test]
fn a_member_that_its_group_does_not_want_takes_the_run_inside_of_it_with_it() {
    let (inner, engine) = (Inner::default(), Engine::new());
    let mut registry = registry();
    inner.register(&mut registry, &engine);
    let started = Arc::clone(&inner.started);
    registry.event("fails", move |_: &Context| {
        wait_until(|| started.load(SeqCst));
        Outcome::<()>::failure("no")
    });
    let flow = "{outer || fails}[execution_evaluation_state = FailureForPartialError]";
    assert_eq!(run_on(&engine, &registry, flow).status(), Status::Failed);
    inner.check();
}

#[test]
fn a_run_inside_of_a_run_inside_of_a_run_is_cancelled_as_well() {
    let (inner, engine) = Inner::on_a_virtual_clock();
    let mut middle = registry();
    inner.register(&mut middle, &engine);
    let (nested, plan_of_middle) = (engine.clone(), plan(&middle, "outer"));
    let mut registry = registry();
    registry
        .event("outermost", move |_: &Context| {
            nested.run_plan(&plan_of_middle, Inputs::new()).map(|report| report.is_success())
        })
        .timeout(Duration::from_secs(50));
    run_on(&engine, &registry, "outermost");
    inner.check();
}

#[test]
fn a_run_that_is_started_in_the_background_goes_on_by_itself() {
    let mut quick = registry();
    let gate = Gate::default();
    let wait = gate.clone();
    quick.event("waits", move |_: &Context| {
        wait.wait();
        Outcome::success(())
    });
    let engine = Engine::new();
    let (nested, background) = (engine.clone(), plan(&quick, "waits -> S"));
    let handle = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&handle);
    let mut registry = registry();
    registry.event("starts", move |_: &Context| {
        let prepared = nested.prepare_plan(&background, Inputs::new())?;
        *kept.lock().unwrap() = Some(prepared.start()?);
        Ok::<_, Error>(())
    });
    let prepared = engine.prepare_plan(&plan(&registry, "starts"), Inputs::new()).unwrap();
    let outer = prepared.start().unwrap();
    wait_until(|| handle.lock().unwrap().is_some());
    outer.cancel();
    gate.open();
    let background = handle.lock().unwrap().take().unwrap();
    assert!(within(move || background.wait().unwrap()).is_success());
}
