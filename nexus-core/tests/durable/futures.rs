//! Durable runs as futures, which may be dropped at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use nexus_core::journal::{MemoryStore, RecordKind, RunState};
use nexus_core::testing::TestEngine;
use nexus_core::{Context, Engine, Inputs, Outcome, Plan, Shutdown, Status, ThreadPoolExecutor};

use tokio::sync::Notify;

use crate::support::{
    Events, Slow, block_on, engine, future, kinds, left_at, poll, records, run, state, within,
};

fn engine_on(slow: &Slow, plan: &Arc<Plan>) -> Engine {
    TestEngine::new().store(slow.store()).resumable(plan).build().unwrap()
}

#[test]
fn it_ends_and_what_it_did_is_recorded() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    events.add("p", |_| Outcome::success(2_u32)).executor::<ThreadPoolExecutor>();
    let plan = events.plan("a -> p || a || p -> a");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let report = block_on(future(&engine, &plan)).unwrap();
    assert!(report.is_success());
    assert_eq!(state(&store), RunState::Ended(Status::Succeeded));
    assert_eq!(kinds(&store), [(RecordKind::Completed, 1); 5]);
    let again = block_on(future(&engine, &plan)).unwrap();
    assert_eq!((again.to_string(), events.calls.total()), (report.to_string(), 5));
}

#[test]
fn it_goes_on_from_any_of_its_records() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a -> a || a -> a");
    let store = Arc::new(MemoryStore::new());
    let whole = run(&engine(&store, &plan), &plan).unwrap();
    for safe in 0..=4 {
        let left = left_at(&store, safe);
        let before = events.calls.total();
        let report = block_on(future(&engine(&left, &plan), &plan)).unwrap();
        assert_eq!(report.to_string(), whole.to_string(), "left at {safe}");
        assert_eq!(events.calls.total() - before, 4 - safe as u32);
        assert_eq!(state(&left), RunState::Ended(Status::Succeeded));
    }
}

/// What is left of a run whose future was dropped while its start was written; the store still
/// waits.
fn dropped_at_its_start() -> (Events, Arc<Plan>, Slow, Engine) {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a -> a");
    let slow = Slow::default();
    let engine = engine_on(&slow, &plan);
    slow.hold();
    let mut dropped = future(&engine, &plan);
    assert!(poll(&mut dropped).is_pending());
    slow.wait_for_commit();
    drop(dropped);
    (events, plan, slow, engine)
}

#[test]
fn dropped_while_its_start_is_written_it_can_be_begun_again_and_stops_no_other_run() {
    let (_, plan, slow, engine) = dropped_at_its_start();
    // The key is not free before it is known what was written under it.
    let mut again = future(&engine, &plan);
    assert!(poll(&mut again).is_pending());
    slow.release();
    assert!(block_on(again).unwrap().is_success());
    let other = engine.prepare_plan(&plan, Inputs::new()).unwrap().key("another").run();
    assert!(other.unwrap().is_success());
    assert_eq!(records(&slow.inner).len(), 2);
}

#[test]
fn dropped_while_its_start_is_written_it_does_not_keep_the_engine_from_shutting_down() {
    let (events, _, slow, engine) = dropped_at_its_start();
    slow.release();
    assert!(within(move || engine.shutdown(Shutdown::cancel())).is_clean());
    assert_eq!(events.calls.total(), 0);
}

#[test]
fn dropped_while_a_record_is_written_it_goes_on_after_that_record() {
    let mut events = Events::new();
    let slow = Slow::default();
    let holds = slow.clone();
    events.add("a", move |_| {
        holds.hold();
        Outcome::success(1_u32)
    });
    events.add("b", |_| Outcome::success(1_u32));
    let plan = events.plan("a -> b");
    let engine = engine_on(&slow, &plan);
    let mut dropped = future(&engine, &plan);
    within({
        let slow = slow.clone();
        move || {
            while !slow.has_commit() {
                assert!(poll(&mut dropped).is_pending());
                std::thread::yield_now();
            }
            drop(dropped);
        }
    });
    let mut again = future(&engine, &plan);
    assert!(poll(&mut again).is_pending());
    slow.release();
    assert!(block_on(again).unwrap().is_success());
    assert_eq!((events.calls.of("a"), events.calls.of("b")), (1, 1));
    let numbers: Vec<u64> = records(&slow.inner).iter().map(|record| record.seq).collect();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn whose_runtime_goes_away_it_goes_on_on_another_one() {
    let mut events = Events::new();
    let (may_end, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    events.add("plain", |_| Outcome::success(1_u32));
    for name in ["first", "second"] {
        let (calls, may_end, begun) = (events.calls.clone(), may_end.clone(), begun.clone());
        let event = events.registry.async_event(name, move |ctx: &Context| {
            calls.note(ctx);
            let hangs = ctx.event() == "second" && !may_end.load(SeqCst);
            let begun = Arc::clone(&begun);
            Box::pin(async move {
                tokio::task::yield_now().await;
                if hangs {
                    begun.notify_one();
                    std::future::pending::<()>().await;
                }
                Outcome::success(1_u32)
            })
        });
        event.output_json();
    }
    let plan = events.plan("first -> plain -> second -> plain");
    let store = Arc::new(MemoryStore::new());
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    {
        let (engine, runtime) = (engine(&store, &plan), runtime());
        runtime.spawn(future(&engine, &plan));
        runtime.block_on(begun.notified());
    }
    assert_eq!((state(&store), records(&store).len()), (RunState::Unfinished, 2));
    may_end.store(true, SeqCst);
    let engine = engine(&store, &plan);
    let report = runtime().block_on(future(&engine, &plan)).unwrap();
    assert!(report.is_success());
    assert_eq!(kinds(&store), [(RecordKind::Completed, 1); 4]);
    let of = |step| events.calls.of(step);
    assert_eq!((of("first"), of("second"), events.calls.total()), (1, 2, 5));
}
