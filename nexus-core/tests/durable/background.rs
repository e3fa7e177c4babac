//! Durable runs in the background share a few threads, and none of them waits behind another.

use std::sync::{Arc, Barrier, Mutex, mpsc};

use nexus_core::journal::{Change, MemoryStore, RunQuery, RunState, Store, StoreError};
use nexus_core::testing::TestEngine;
use nexus_core::{Engine, Error, Inputs, Outcome, Plan, Prepared, RunHandle, Status};

use crate::support::{Asking, Events, Slow, within};

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

/// The keys of the runs that a commit begins.
fn starts(changes: &[Change]) -> Vec<String> {
    let started = changes.iter().filter(|change| matches!(change, Change::Start(_)));
    started.map(|change| change.key().to_string()).collect()
}

/// Otherwise a program that takes orders by the hundred waits for the disk a hundred times before the
/// last of them begins.
#[test]
fn runs_that_are_started_together_share_a_commit_and_are_in_the_store_afterwards() {
    const RUNS: usize = 64;
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a -> a");
    let (inner, commits) = (Arc::<MemoryStore>::default(), Arc::new(Mutex::new(Vec::new())));
    let noted = Arc::clone(&commits);
    let store = Asking::new(&inner, move |changes| {
        let starts = starts(changes);
        if !starts.is_empty() {
            noted.lock().unwrap().push(starts);
        }
        Ok(())
    });
    let engine = TestEngine::new().store(store).build().unwrap();
    let keys: Vec<String> = (0..RUNS).map(|run| format!("order-{run}")).collect();
    let prepared =
        keys.iter().map(|key| engine.prepare_plan(&plan, Inputs::new()).unwrap().key(key.as_str()));
    let handles = Prepared::start_all(prepared);
    assert_eq!(*commits.lock().unwrap(), std::slice::from_ref(&keys));
    assert!(keys.iter().all(|key| inner.run(key).unwrap().is_some()));
    within(move || {
        for (handle, key) in handles.into_iter().zip(keys) {
            let handle = handle.unwrap();
            assert_eq!(handle.key(), Some(&*key));
            assert!(handle.wait().unwrap().is_success());
        }
    });
}

/// Otherwise a list in which an order is twice, or with one that is wrong, would hang or start nothing.
#[test]
fn of_runs_that_are_started_together_one_may_be_there_twice_and_one_wrong() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let (plan, other) = (events.plan("a -> a"), events.plan("a"));
    let engine = engine(&Arc::default());
    let other = engine.prepare_plan(&other, Inputs::new()).unwrap();
    assert!(other.key("taken").run().unwrap().is_success());
    let calls = events.calls.clone();
    within(move || {
        let runs = ["one", "two", "one", "taken", "three"]
            .map(|key| engine.prepare_plan(&plan, Inputs::new()).unwrap().key(key));
        let ended: Vec<bool> = Prepared::start_all(runs)
            .into_iter()
            .map(|run| run.and_then(RunHandle::wait).is_ok_and(|report| report.is_success()))
            .collect();
        assert_eq!(ended, [true, true, true, false, true]);
    });
    // Those of the run `taken`, and of three others.
    assert_eq!(calls.total(), 1 + 3 * 2);
}

/// Otherwise a caller takes runs for begun that nobody will go on with.
#[test]
fn where_the_store_fails_none_of_the_runs_that_are_started_together_begins() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a");
    let store = Asking::new(&Arc::default(), |_| Err(StoreError::io("the disk is full", "none")));
    let engine = TestEngine::new().store(store).build().unwrap();
    let run = |run: u32| engine.prepare_plan(&plan, Inputs::new()).unwrap().key(format!("{run}"));
    let handles = Prepared::start_all((0..8).map(run));
    assert_eq!(handles.len(), 8);
    for handle in handles {
        assert!(matches!(handle, Err(Error::Store(_))), "{handle:?}");
    }
    assert_eq!(events.calls.total(), 0);
}
