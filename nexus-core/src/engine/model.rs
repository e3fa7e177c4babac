//! Explores the interleavings of a driver and the workers that advance its run.

use std::sync::Arc;
use std::time::Duration;

use crate::sync::{Condvar, Mutex, lock, wait};
use crate::testing::TestEngine;
use crate::{
    Context, Engine, ExecutorInitializerConfig, Failure, Fields, Flow, Inputs, Outcome, Plan,
    Registry, RetryPolicy, Status, ThreadPoolExecutor,
};

/// Runs `script` under many schedules; a lost wake-up shows as a deadlock.
fn always_ends(script: &'static str) {
    let config = ExecutorInitializerConfig::new().max_workers(2).max_tasks_per_child(2);
    ends_with(script, config, |_| {});
}

/// The same where the driving thread does the pools' tasks itself, and somebody may go on with the
/// run in the middle of each.
fn always_ends_lent(script: &'static str) {
    let config = ExecutorInitializerConfig::new().max_workers(2);
    ends_with(script, config, |plan| plan.paces.iter().for_each(|pace| pace.assume(1)));
}

fn ends_with(script: &'static str, config: ExecutorInitializerConfig, prepare: fn(&Plan)) {
    let scenario = move || {
        let mut registry = Registry::new();
        let config = || config.clone();
        for name in ["A", "B", "C"] {
            registry
                .event(name, |_: &Context| Outcome::success(()))
                .executor::<ThreadPoolExecutor>()
                .executor_config(config());
        }
        registry
            .event("R", |ctx: &Context| match ctx.attempt() {
                1 => Err(Failure::new("once")),
                _ => Ok(()),
            })
            .executor::<ThreadPoolExecutor>()
            .executor_config(config())
            .retry_policy(RetryPolicy::builder().backoff_factor(0.0).build());
        registry.event("I", |_: &Context| Outcome::success(()));
        let plan = Flow::parse(script).unwrap().plan(&registry, &Fields::new()).unwrap();
        prepare(&plan);
        let engine = Engine::builder().seed(1).build().unwrap();
        let report = engine.run_plan(&plan, Inputs::new()).unwrap();
        assert!(report.is_success() && report.steps().all(|step| step.ran()), "{report}");
    };
    let scenario = Arc::new(scenario);
    let same = Arc::clone(&scenario);
    shuttle::check_random(move || scenario(), 600);
    shuttle::check_pct(move || same(), 600, 3);
}

#[test]
fn a_group_on_a_pool_is_joined_once() {
    always_ends("A || B || C -> A");
}

#[test]
fn inline_steps_between_pooled_ones_get_their_turn() {
    always_ends("A || I -> I -> B -> I");
}

#[test]
fn retries_on_a_pool_come_back() {
    always_ends("R || A -> R");
}

#[test]
fn a_run_inside_a_pools_only_worker_ends() {
    let scenario = || {
        let engine = Engine::builder().seed(1).build().unwrap();
        let mut registry = Registry::new();
        let config = || ExecutorInitializerConfig::new().max_workers(1);
        registry
            .event("inner", |_: &Context| Outcome::success(()))
            .executor::<ThreadPoolExecutor>()
            .executor_config(config());
        let plan = Flow::parse("inner || inner").unwrap().plan(&registry, &Fields::new()).unwrap();
        let same = engine.clone();
        registry
            .event("outer", move |_: &Context| {
                same.run_plan(&plan, Inputs::new()).map(|report| report.is_success())
            })
            .executor::<ThreadPoolExecutor>()
            .executor_config(config());
        let plan = Flow::parse("outer || outer").unwrap().plan(&registry, &Fields::new()).unwrap();
        let report = engine.run_plan(&plan, Inputs::new()).unwrap();
        assert!(report.steps().all(|step| step.value::<bool>().is_ok_and(|ok| *ok)), "{report}");
    };
    shuttle::check_random(scenario, 600);
    shuttle::check_pct(scenario, 600, 3);
}

#[test]
fn tasks_that_are_taken_together_are_joined_once() {
    always_ends("A || A || A || A -> A");
    always_ends("{A || A || A -> B} || A || A -> I");
}

#[test]
fn a_run_that_is_cancelled_in_the_middle_of_a_chunk_ends_and_counts_what_still_runs() {
    let scenario = || {
        let mut registry = Registry::new();
        registry
            .event("A", |_: &Context| {
                crate::sync::thread::yield_now();
                Outcome::success(())
            })
            .executor::<ThreadPoolExecutor>()
            .executor_config(ExecutorInitializerConfig::new().max_workers(2));
        let plan = |script| Flow::parse(script).unwrap().plan(&registry, &Fields::new()).unwrap();
        let engine = Engine::builder().seed(1).build().unwrap();
        let run = engine.prepare_plan(&plan("A || A || A || A || A -> A"), Inputs::new()).unwrap();
        let handle = run.start().unwrap();
        crate::sync::thread::yield_now();
        handle.cancel();
        let status = handle.wait().unwrap().status();
        assert!(matches!(status, Status::Cancelled | Status::Succeeded), "{status}");
        let report = engine.run_plan(&plan("A || A || A || A"), Inputs::new()).unwrap();
        assert!(report.is_success(), "{report}");
        // A body that runs on after its run must neither hold this up nor be missed.
        engine.shutdown(crate::Shutdown::drain());
    };
    shuttle::check_random(scenario, 600);
    shuttle::check_pct(scenario, 600, 3);
}

#[test]
fn a_cancelled_run_ends_and_leaves_its_pool_to_others() {
    let scenario = || {
        let mut registry = Registry::new();
        registry
            .event("A", |_: &Context| Outcome::success(()))
            .executor::<ThreadPoolExecutor>()
            .executor_config(ExecutorInitializerConfig::new().max_workers(1));
        let plan = |script| Flow::parse(script).unwrap().plan(&registry, &Fields::new()).unwrap();
        let engine = Engine::builder().seed(1).build().unwrap();
        let run = engine.prepare_plan(&plan("A || A -> A"), Inputs::new()).unwrap();
        let handle = run.start().unwrap();
        handle.cancel();
        let status = handle.wait().unwrap().status();
        assert!(matches!(status, Status::Cancelled | Status::Succeeded), "{status}");
        assert!(engine.run_plan(&plan("A || A"), Inputs::new()).unwrap().is_success());
    };
    shuttle::check_random(scenario, 600);
    shuttle::check_pct(scenario, 600, 3);
}

#[test]
fn a_body_that_returns_just_when_its_time_is_over_ends_once() {
    let scenario = || {
        let test = TestEngine::new();
        let clock = test.clock();
        let mut registry = Registry::new();
        registry
            .event("late", move |_: &Context| {
                clock.advance(Duration::from_secs(1));
                Outcome::success(())
            })
            .executor::<ThreadPoolExecutor>()
            .executor_config(ExecutorInitializerConfig::new().max_workers(1))
            .timeout(Duration::from_secs(1));
        registry.event("then", |_: &Context| Outcome::success(()));
        let plan = Flow::parse("late || late (0 -> then) -> then").unwrap();
        let plan = plan.plan(&registry, &Fields::new()).unwrap();
        let report = test.build().unwrap().run_plan(&plan, Inputs::new()).unwrap();
        for step in report.steps().filter(|step| step.event() == "late") {
            assert_eq!(step.attempts(), 1, "{report}");
        }
    };
    shuttle::check_random(scenario, 600);
    shuttle::check_pct(scenario, 600, 3);
}

#[test]
fn a_run_that_is_lent_to_a_body_ends_whoever_goes_on_with_it() {
    always_ends_lent("A || B || A -> C");
    always_ends_lent("{A || A -> B} || R -> I -> A");
}

#[test]
fn a_run_ends_whose_tasks_are_shared_with_the_thread_that_drives_it() {
    let config = || ExecutorInitializerConfig::new().max_workers(2);
    let prepare = |plan: &Plan| plan.paces.iter().for_each(|pace| pace.assume(3));
    ends_with("A || A || A || A || A -> C", config(), prepare);
    ends_with("{A || A -> B} || R || A || B -> I -> A || A", config(), prepare);
}

/// Each of them would block the thread that drives the run for ever.
#[test]
fn lent_tasks_can_wait_for_each_other() {
    let scenario = || {
        let meeting = Arc::new((Mutex::new(0), Condvar::new()));
        let mut registry = Registry::new();
        registry
            .event("A", move |_: &Context| {
                let (there, changed) = &*meeting;
                let mut there = lock(there);
                *there += 1;
                changed.notify_all();
                while *there < 2 {
                    there = wait(changed, there);
                }
                Outcome::success(())
            })
            .executor::<ThreadPoolExecutor>()
            .executor_config(ExecutorInitializerConfig::new().max_workers(2));
        let plan = Flow::parse("A || A -> A").unwrap().plan(&registry, &Fields::new()).unwrap();
        plan.paces.iter().for_each(|pace| pace.assume(1));
        let engine = Engine::builder().seed(1).build().unwrap();
        assert!(engine.run_plan(&plan, Inputs::new()).unwrap().is_success());
    };
    shuttle::check_random(scenario, 600);
}
