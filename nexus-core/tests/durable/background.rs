//! Durable runs in the background share a few threads, and none of them waits behind another.

use std::sync::{Arc, Barrier, Mutex, mpsc};

use nexus_core::journal::{MemoryStore, RunQuery, RunState, Store};
use nexus_core::testing::TestEngine;
use nexus_core::{Engine, Inputs, Outcome, Plan, RunHandle, Status};

use crate::support::{Events, Slow, within};

fn start(engine: &Engine, plan: &Arc<Plan>, key: impl Into<Arc<str>>) -> RunHandle {
    engine.prepare_plan(plan, Inputs::new()).unwrap().key(key).start().unwrap()
}

fn engine(store: &Arc<MemoryStore>) -> Engine {
    TestEngine::new().store(Arc::clone(store)).build().unwrap()
}

#[test]
fn bodies_of_many_runs_may_wait_for_each_other() {
    const RUNS: usize = 24;
    let together = Arc::new(Barrier::new(RUNS));
    let mut events = Events::new();
    events.add("meet", move |_| {
        together.wait();
        Outcome::success(1_u32)
    });
    // By the second time a body is known to be slow, and by the third.
    let plan = events.plan("meet -> meet -> meet");
    let store = Arc::default();
    let engine = engine(&store);
    within(move || {
        let runs: Vec<_> = (0..RUNS).map(|run| start(&engine, &plan, format!("{run}"))).collect();
        for run in runs {
            assert!(run.wait().unwrap().is_success());
        }
    });
}

#[test]
fn a_body_that_was_always_quick_keeps_no_other_run_waiting_when_it_is_slow() {
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    events.add("held", move |_| {
        let _ = gate.lock().unwrap().recv();
        Outcome::success(1_u32)
    });
    let quick = events.plan("a -> a -> a");
    let held = events.plan("a -> held");
    nexus_core::testing::assume_short_tasks(&held);
    let store = Arc::default();
    let engine = engine(&store);
    within(move || {
        let all: Vec<_> = (0..8).map(|run| start(&engine, &held, format!("held {run}"))).collect();
        for run in 0..50 {
            assert!(start(&engine, &quick, format!("quick {run}")).wait().unwrap().is_success());
        }
        assert!(all.iter().all(|run| !run.is_finished()));
        drop(open);
        for run in all {
            assert!(run.wait().unwrap().is_success());
        }
    });
}

#[test]
fn a_body_may_start_a_durable_run_and_wait_for_it() {
    const DEEP: usize = 6;
    let store = Arc::default();
    let engine = engine(&store);
    let mut events = Events::new();
    events.add("leaf", |_| Outcome::success(0_u32));
    let mut plan = events.plan("leaf -> leaf");
    for level in 0..DEEP {
        let (inner, engine, mut events) = (Arc::clone(&plan), engine.clone(), Events::new());
        events.add("nest", move |ctx| {
            let key = ctx.idempotency_key();
            let inner = start(&engine, &inner, key).wait();
            Outcome::success(inner.map_or(0, |report| u32::from(report.is_success())))
        });
        // In some of them beside each other, which takes a pool.
        plan = events.plan(if level % 2 == 0 { "nest" } else { "nest || nest" });
    }
    let (inner, runs) = (engine, 4);
    let kept = Arc::clone(&store);
    within(move || {
        let all: Vec<_> = (0..runs).map(|run| start(&inner, &plan, format!("{run}"))).collect();
        for run in all {
            assert!(run.wait().unwrap().is_success());
        }
    });
    let runs = kept.runs(&RunQuery::all()).unwrap();
    assert!(runs.len() > 4 * DEEP);
    assert!(runs.iter().all(|run| run.state == RunState::Ended(Status::Succeeded)));
}

#[test]
fn the_store_is_free_when_the_engine_and_its_runs_are_gone() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a -> a -> a");
    for _ in 0..200 {
        let store: Arc<MemoryStore> = Arc::default();
        let engine = engine(&store);
        let runs: Vec<_> = (0..3).map(|run| start(&engine, &plan, format!("{run}"))).collect();
        drop(engine);
        let waiting = Arc::clone(&store);
        within(move || {
            for run in runs {
                assert!(run.wait().unwrap().is_success());
            }
            assert_eq!(Arc::strong_count(&waiting), 2);
        });
    }
}

#[test]
fn a_run_that_is_cancelled_while_its_first_record_is_written_ends() {
    let slow = Slow::default();
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a -> a");
    let engine = TestEngine::new().store(slow.store()).build().unwrap();
    within(move || {
        let run = start(&engine, &plan, "k");
        run.cancel();
        slow.hold();
        slow.release();
        let status = run.wait().unwrap().status();
        assert!(matches!(status, Status::Cancelled | Status::Succeeded), "{status:?}");
    });
}
