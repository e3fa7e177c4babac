//! The simulator: what it finds, how it says so, and what it leaves alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nexus_core::testing::{Simulation, SimulationError, SimulationSummary};
use nexus_core::{
    Bypass, Context, DefaultExecutor, ExecutorInitializerConfig, Fields, Flow, Inputs, Jitter,
    Outcome, Plan, Registry, RetryPolicy, Status, ThreadPoolExecutor,
};

#[derive(Debug, Default, thiserror::Error)]
#[error("the gateway timed out")]
struct Gateway;

fn policy() -> RetryPolicy {
    let policy = RetryPolicy::builder().max_attempts(4).backoff_factor(0.5).retry_on::<Gateway>();
    policy.jitter(Jitter::Full).build().unwrap()
}

fn registry() -> Registry {
    let mut registry = Registry::new();
    let sum = |ctx: &Context| {
        let seen = ctx.previous().iter().filter_map(|seen| seen.value::<u64>().copied());
        seen.sum::<u64>()
    };
    registry
        .event("pay", move |ctx: &Context| Outcome::success(1 + sum(ctx)))
        .output_json()
        .retry_policy(policy());
    registry
        .event("pool", move |ctx: &Context| Outcome::success(10 + sum(ctx)))
        .output_json()
        .retry_policy(policy())
        .timeout(Duration::from_millis(500))
        .executor::<ThreadPoolExecutor>()
        .executor_config(ExecutorInitializerConfig::new().max_workers(2));
    registry
        .event("here", move |ctx: &Context| Outcome::success(100 + sum(ctx)))
        .output_json()
        .executor::<DefaultExecutor>();
    registry
        .event("skip", move |ctx: &Context| Outcome::success(7 + sum(ctx)))
        .output_json()
        .bypass(|_: &Context| Bypass::<u64>::skip_with("not today", 5_u64));
    registry.event("approve", |_: &Context| Outcome::<u64>::pending()).output_json();
    registry
        .async_event("soon", |_: &Context| Box::pin(async { Outcome::success(1000_u64) }))
        .output_json();
    registry
}

fn plan(script: &str, registry: &Registry) -> Arc<Plan> {
    Flow::parse(script).unwrap().plan(registry, &Fields::new()).unwrap()
}

fn simulate(simulation: &Simulation, script: &str) -> Result<SimulationSummary, SimulationError> {
    simulation.try_check_plan(&plan(script, &registry()), Inputs::new, |_| {})
}

fn all_faults() -> Simulation {
    Simulation::seeds(0..60)
        .crashes(0.03)
        .lost_workers(0.05)
        .timeouts(0.05)
        .exceptions::<Gateway>(0.2)
        .resolves("approve", || 7_u64)
        .runs(2)
}

#[test]
fn flows_of_all_kinds_come_to_the_same_end_whatever_happens() {
    for script in [
        "pay -> here |-> pay",
        "here || pool || pay |-> here |-> pool",
        "pool || pool || soon || pool |-> pay",
        "skip |-> pay (1 |-> approve) -> skip",
    ] {
        let summary = simulate(&all_faults(), script).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!((summary.seeds, summary.disturbed), (60, 0), "{script}");
        assert!(summary.crashes > 30 && summary.faults > 20, "{script}: {summary}");
    }
}

/// What the gateway has charged, by what it was told to tell attempts of the same step apart.
#[derive(Default)]
struct Book(Mutex<HashMap<String, u32>>);

fn charging(key: fn(&Context) -> String) -> Arc<Plan> {
    let mut registry = Registry::new();
    registry
        .event("charge", move |ctx: &Context| {
            let (book, key) = (ctx.state::<Book>().unwrap(), key(ctx));
            book.0.lock().unwrap().insert(key, 5);
            Outcome::success(5_u32)
        })
        .output_json()
        .retry_policy(policy());
    plan("charge", &registry)
}

fn charge_once(key: fn(&Context) -> String) -> Result<SimulationSummary, SimulationError> {
    Simulation::seeds(0..200)
        .crashes(0.05)
        .exceptions::<Gateway>(0.2)
        .state(Book::default)
        .try_check_plan(&charging(key), Inputs::new, |run| {
            let book = run.state::<Book>().unwrap();
            assert_eq!(book.0.lock().unwrap().values().sum::<u32>(), 5, "charged twice");
        })
}

#[test]
fn it_finds_the_crash_after_which_a_card_is_charged_again() {
    charge_once(Context::idempotency_key).unwrap();
    // This one numbers its charges by itself.
    let charge = |ctx: &Context| {
        let book = ctx.state::<Book>().unwrap();
        format!("{}", book.0.lock().unwrap().len())
    };
    let error = charge_once(charge).unwrap_err();
    assert!(error.violation().contains("charged twice"), "{error}");
    let again = format!("again: NEXUS_SIMULATION_SEED={} cargo test ", error.seed());
    assert!(error.to_string().contains(&again), "{error}");
    assert!(error.trace().to_string().contains("charge #1 begins"), "{error}");
}

#[test]
fn it_finds_an_output_that_depends_on_what_went_wrong() {
    let mut registry = Registry::new();
    registry
        .event("count", |ctx: &Context| Outcome::success(ctx.attempt()))
        .output_json()
        .retry_policy(policy());
    let plan = plan("count", &registry);
    let simulation = Simulation::seeds(0..50).exceptions::<Gateway>(0.3);
    let error = simulation.try_check_plan(&plan, Inputs::new, |_| {}).unwrap_err();
    assert!(error.violation().contains("and without faults with"), "{error}");
    simulation.ignore_outputs().try_check_plan(&plan, Inputs::new, |_| {}).unwrap();
}

#[test]
fn a_run_that_waits_for_what_never_comes_is_found() {
    let quiet = Simulation::seeds(0..1);
    let error = simulate(&quiet, "approve").unwrap_err();
    assert!(error.violation().contains("nothing happens any more"), "{error}");
}

#[test]
fn faults_that_nobody_handles_are_said_to_be_so() {
    let faults = Simulation::seeds(0..100).exceptions::<Gateway>(0.2).unhandled_faults();
    let plan = plan("here -> pay", &registry());
    let failed = Mutex::new(0);
    faults.check_plan(&plan, Inputs::new, |run| {
        assert_eq!(run.is_disturbed(), run.status() == Status::Failed, "{}", run.trace());
        *failed.lock().unwrap() += u32::from(run.is_disturbed());
    });
    assert!(failed.into_inner().unwrap() > 10);
}

/// A pipeline whose values cannot be written down says so.
#[test]
fn what_cannot_be_recorded_is_refused() {
    let mut registry = Registry::new();
    registry.event("opaque", |_: &Context| Outcome::success(5_u32));
    let plan = plan("opaque", &registry);
    let error = Simulation::seeds(0..1).try_check_plan(&plan, Inputs::new, |_| {}).unwrap_err();
    assert!(error.violation().contains("cannot be recorded"), "{error}");
}

/// However early that is: what is recorded must say the same of each step as the run's own report.
#[test]
fn a_run_that_is_cancelled_at_any_moment_is_recorded_as_it_ended() {
    let cancelled = Simulation::seeds(0..300).cancels(1.0).crashes(0.01);
    let summary = simulate(&cancelled, "here || pool -> pay").unwrap_or_else(|why| panic!("{why}"));
    assert!(summary.disturbed > 60, "{summary}");
}

/// What a future leaves to a thread may wait for it for longer than its run goes on, or wants it.
#[test]
fn a_step_that_has_waited_for_a_thread_does_not_begin_after_its_run_has_ended() {
    let mut registry = registry();
    let fails = |_: &Context| Outcome::<u64>::failure("no");
    registry.event("fails", fails).output_json();
    registry
        .event("late", |_: &Context| Outcome::success(3_u64))
        .output_json()
        .executor::<DefaultExecutor>()
        .bypass(|_: &Context| Bypass::<u64>::no());
    let script = "{fails || late || late}[execution_evaluation_state = FailureForPartialError]";
    let simulation = Simulation::seeds(0..300);
    let summary = simulation.try_check_plan(&plan(script, &registry), Inputs::new, |_| {});
    assert_eq!(summary.unwrap_or_else(|why| panic!("{why}")).seeds, 300);
}

/// What failed is done again, whenever the process dies meanwhile; what succeeded stays as it is.
#[test]
fn a_run_that_is_tried_again_goes_on_from_what_failed() {
    let simulation = Simulation::seeds(0..200).exceptions::<Gateway>(0.3).unhandled_faults();
    let simulation = simulation.crashes(0.02).retries(0.8);
    let plan = plan("here -> pay |-> here |-> pay", &registry());
    let (tried, mended) = (Mutex::new(0), Mutex::new(0));
    simulation.check_plan(&plan, Inputs::new, |run| {
        let trace = run.trace().to_string();
        let failed = trace.contains("ended as failed");
        *tried.lock().unwrap() += u32::from(trace.contains("somebody tries"));
        *mended.lock().unwrap() += u32::from(failed && run.status() == Status::Succeeded);
    });
    let (tried, mended) = (tried.into_inner().unwrap(), mended.into_inner().unwrap());
    assert!(tried > 100 && mended > 50, "{tried} tried again, {mended} of them mended");
}
