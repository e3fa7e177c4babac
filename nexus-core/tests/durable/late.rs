//! What comes after a run is over changes nothing of it.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use nexus_core::journal::{MemoryStore, RecordKind, RunState, Store};
use nexus_core::testing::TestEngine;
use nexus_core::{
    Context, ExecutorInitializerConfig, Inputs, Observer, Outcome, RetryPolicy, RunEvent,
    RunHandle, Status, ThreadPoolExecutor,
};
use serde::{Deserialize, Serialize, Serializer};

use crate::support::{
    self, Events, Slow, engine, kinds, left_at, prepare, records, run, settle, state, within,
};

const HOUR: Duration = Duration::from_hours(1);

/// Waits until nobody drives the run any more.
fn wait_for(handle: RunHandle) -> RunHandle {
    within(move || {
        while !handle.is_finished() {
            std::thread::yield_now();
        }
        handle
    })
}

#[test]
fn a_deadline_that_passes_later_leaves_the_report_as_it_was() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a -> a");
    let store = Arc::new(MemoryStore::new());
    let test = TestEngine::new();
    let clock = test.clock();
    let engine = test.store(Arc::clone(&store)).build().unwrap();
    let limited = || prepare(&engine, &plan).timeout(HOUR);
    assert!(limited().run().unwrap().is_success());
    clock.advance(2 * HOUR);
    for _ in 0..3 {
        assert!(limited().run().unwrap().is_success());
    }
    settle(&engine);
    assert_eq!(records(&store).len(), 2);
}

#[test]
fn a_deadline_that_passes_while_the_handle_is_kept_is_not_recorded() {
    let mut events = Events::new();
    let test = TestEngine::new();
    let clock = test.clock();
    events.add("a", |_| Outcome::success(1_u32));
    events.add("late", move |ctx: &Context| {
        clock.advance(3 * HOUR);
        while !ctx.is_cancelled() {
            std::thread::yield_now();
        }
        Outcome::success(1_u32)
    });
    let (plan, late) = (events.plan("a -> a"), events.plan("late"));
    let store = Arc::new(MemoryStore::new());
    let engine = test.store(Arc::clone(&store)).resumable(&plan).build().unwrap();
    let handle = wait_for(prepare(&engine, &plan).timeout(HOUR).start().unwrap());
    // The deadline of this one comes after that of the other.
    let other = engine.prepare_plan(&late, Inputs::new()).unwrap().timeout(2 * HOUR).key("late");
    assert_eq!(within(move || other.run().unwrap()).status(), Status::TimedOut);
    assert!(handle.wait().unwrap().is_success());
    assert_eq!(kinds(&store), [(RecordKind::Completed, 1); 2]);
    assert!(engine.report("k").unwrap().unwrap().is_success());
}

#[test]
fn a_handle_that_cancels_a_run_that_is_over_leaves_it_as_it_was() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    // The second handle is that of a run which was over when it was given the key again.
    for _ in 0..2 {
        let handle = wait_for(prepare(&engine, &plan).start().unwrap());
        handle.cancel();
        assert!(handle.wait().unwrap().is_success());
    }
    settle(&engine);
    assert_eq!(kinds(&store), [(RecordKind::Completed, 1)]);
    assert_eq!(state(&store), RunState::Ended(Status::Succeeded));
    assert!(engine.report("k").unwrap().unwrap().is_success());
}

#[test]
fn a_run_cancelled_while_its_last_record_is_written_ends_as_its_records_say() {
    let mut events = Events::new();
    let slow = Slow::default();
    let holds = slow.clone();
    events.add("a", move |_| {
        holds.hold();
        Outcome::success(1_u32)
    });
    let plan = events.plan("a");
    let engine = TestEngine::new().store(slow.store()).resumable(&plan).build().unwrap();
    let handle = prepare(&engine, &plan).start().unwrap();
    slow.wait_for_commit();
    handle.cancel();
    slow.release();
    let live = within(move || handle.wait().unwrap());
    settle(&engine);
    assert_eq!(state(&slow.inner), RunState::Ended(live.status()));
    assert_eq!(engine.report("k").unwrap().unwrap().to_string(), live.to_string());
}

/// A value that says when it is dropped.
#[derive(Serialize, Deserialize)]
struct Noted {
    #[serde(skip)]
    dropped: Option<mpsc::Sender<()>>,
}

impl Drop for Noted {
    fn drop(&mut self) {
        if let Some(send) = &self.dropped {
            let _ = send.send(());
        }
    }
}

#[test]
fn a_late_result_of_a_run_that_was_removed_harms_no_other_run() {
    let mut events = Events::new();
    let ((send, begun), (open, gate)) = (mpsc::channel(), mpsc::channel::<()>());
    let (drops, dropped) = mpsc::channel();
    let gate = Mutex::new(gate);
    events
        .add("hang", move |_| {
            let _ = send.send(());
            let _ = gate.lock().unwrap().recv();
            Outcome::success(Noted { dropped: Some(drops.clone()) })
        })
        .executor::<ThreadPoolExecutor>()
        .executor_config(ExecutorInitializerConfig::new().max_workers(1));
    let plan = events.plan("hang");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    begun.recv().unwrap();
    handle.cancel();
    assert_eq!(handle.wait().unwrap().status(), Status::Cancelled);
    assert_eq!(kinds(&store), [(RecordKind::Halted, 0)]);
    store.remove(&["k".into()]).unwrap();
    drop(open);
    within(move || dropped.recv().unwrap());
    settle(&engine);
    assert!(store.run("k").unwrap().is_none());
}

/// A value that releases the store when it is written down.
#[derive(Serialize, Deserialize)]
struct Releases {
    #[serde(serialize_with = "release", skip_deserializing)]
    held: Vec<Slow>,
}

fn release<S: Serializer>(held: &[Slow], serializer: S) -> Result<S::Ok, S::Error> {
    held.iter().for_each(Slow::release);
    serializer.serialize_unit()
}

#[test]
fn a_result_that_came_while_its_timeout_was_written_keeps_the_run_from_nothing() {
    let mut events = Events::new();
    let (slow, test) = (Slow::default(), TestEngine::new());
    let (held, clock, store) = (slow.clone(), test.clock(), Arc::clone(&slow.inner));
    let policy = RetryPolicy::builder().max_attempts(3).backoff_factor(1.0).build();
    events
        .add("a", move |ctx| {
            if ctx.attempt() == 1 {
                held.hold();
                clock.advance(2 * HOUR);
                held.wait_for_commit();
                return Outcome::success(Releases { held: vec![held.clone()] });
            }
            while !kinds(&store).contains(&(RecordKind::Completed, 1)) {
                std::thread::yield_now();
            }
            Outcome::success(Releases { held: Vec::new() })
        })
        .executor::<ThreadPoolExecutor>()
        .timeout(HOUR)
        .retry_policy(policy);
    let plan = events.plan("a");
    let engine = test.store(slow.store()).resumable(&plan).build().unwrap();
    let handle = prepare(&engine, &plan).start().unwrap();
    let whole = within(move || handle.wait().unwrap());
    assert_eq!(whole.step("a").unwrap().attempts(), 2);
    let all = kinds(&slow.inner);
    assert_eq!(all[0], (RecordKind::TimedOut, 1));
    let late = all.iter().position(|kind| *kind == (RecordKind::Completed, 1)).unwrap();
    for safe in late + 1..=all.len() {
        let engine = support::engine(&left_at(&slow.inner, safe), &plan);
        let report = within(move || engine.resume().unwrap().remove(0).wait().unwrap());
        assert!(report.is_success());
        assert_eq!(report.step("a").unwrap().attempts(), 2, "left at {safe} of {all:?}");
    }
}

/// Counts the runs that begin.
struct Starts(Arc<AtomicU32>);

impl Observer for Starts {
    fn pipeline_execution_start(&self, _: &RunEvent<'_>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn observers_hear_nothing_of_a_report_that_is_only_read() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a");
    let starts = Arc::new(AtomicU32::new(0));
    let engine = TestEngine::new()
        .store(MemoryStore::new())
        .resumable(&plan)
        .observer(Starts(Arc::clone(&starts)))
        .build()
        .unwrap();
    run(&engine, &plan).unwrap();
    assert!(engine.report("k").unwrap().unwrap().is_success());
    assert!(run(&engine, &plan).unwrap().is_success());
    assert_eq!(starts.load(SeqCst), 1);
}
