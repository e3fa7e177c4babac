//! What runs do on their own threads, for whoever asks.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use nexus_core::journal::{MemoryStore, Timestamp};
use nexus_core::testing::TestEngine;
use nexus_core::{Context, DefaultExecutor, Engine, Outcome, OwnTask, RetryPolicy, RunActivity};

use crate::support::{Events, Slow, engine, prepare, within};

/// Adds an event that says so when it begins, and goes on when it is let; for each item, if it `has_items`.
fn hold(events: &mut Events, has_items: bool) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (begins, begun) = mpsc::channel();
    let (end, ends) = mpsc::channel();
    let ends = Mutex::new(ends);
    let body = move |_: &Context| {
        let _ = begins.send(());
        let _ = ends.lock().unwrap().recv();
        Outcome::success(1_u32)
    };
    let added = events.add("hold", body).executor::<DefaultExecutor>();
    if has_items {
        added.each_of::<u32>();
    }
    (begun, end)
}

fn running(engine: &Engine) -> OwnTask {
    engine.activity_of("k").unwrap().running.unwrap()
}

/// Asks until it is so.
fn until(engine: &Engine, is_so: impl Fn(&RunActivity) -> bool + Send + 'static) -> RunActivity {
    let engine = engine.clone();
    within(move || {
        loop {
            if let Some(activity) = engine.activity_of("k").filter(&is_so) {
                return activity;
            }
            std::thread::yield_now();
        }
    })
}

/// A page that is opened in the middle of a step has to say which one it is, and since when it runs.
#[test]
fn a_step_that_has_begun_before_anybody_asked_is_there_with_its_beginning() {
    let mut events = Events::new();
    let (begun, end) = hold(&mut events, false);
    let plan = events.plan("hold -> hold");
    let store = Arc::new(MemoryStore::new());
    let tests = TestEngine::new().store(Arc::clone(&store));
    let clock = tests.clock();
    let engine = tests.build().unwrap();
    let handle = prepare(&engine, &plan).start().unwrap();
    begun.recv().unwrap();
    let first = running(&engine);
    assert_eq!((first.step_index, &*first.event, first.item, first.attempt), (0, "hold", None, 1));
    clock.advance(Duration::from_secs(5));
    assert_eq!(running(&engine), first);
    end.send(()).unwrap();
    begun.recv().unwrap();
    let second = engine.activity();
    assert_eq!((&*second[0].key, second[0].run_id), ("k", handle.run_id()));
    assert_eq!((second[0].records, second.len()), (1, 1));
    let running = second[0].running.as_ref().unwrap();
    assert_eq!((running.step_index, running.at), (1, first.at.plus(Duration::from_secs(5))));
    end.send(()).unwrap();
    assert!(handle.wait().unwrap().is_success());
    assert!(engine.activity().is_empty() && engine.activity_of("k").is_none());
}

#[test]
fn an_item_is_told_from_the_others_of_its_step() {
    let mut events = Events::new();
    let (begun, end) = hold(&mut events, true);
    events.add("items", |_| Outcome::success(vec![7_u32, 8])).executor::<DefaultExecutor>();
    let plan = events.plan("items |-> hold[each]");
    let engine = engine(&Arc::default(), &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    for item in 0..2 {
        begun.recv().unwrap();
        let now = running(&engine);
        assert_eq!((now.step_index, now.item), (1, Some(item)));
        end.send(()).unwrap();
    }
    assert!(handle.wait().unwrap().is_success());
}

/// On the real clock: the virtual one is over any wait at once.
#[test]
fn a_wait_for_the_next_attempt_is_there_with_its_end() {
    let mut events = Events::new();
    let policy =
        RetryPolicy::builder().max_attempts(2).backoff_factor(3600.0).max_backoff(3600.0).build();
    let busy = |_: &Context| Err::<u32, _>(std::io::Error::other("busy"));
    events.add("busy", busy).retry_policy(policy).executor::<DefaultExecutor>();
    let plan = events.plan("busy");
    let engine = Engine::builder().store(MemoryStore::new()).build().unwrap();
    let before = Timestamp::since_epoch(engine.clock().wall_time());
    let handle = prepare(&engine, &plan).start().unwrap();
    let activity = until(&engine, |it| !it.retrying.is_empty());
    let wait = &activity.retrying[0];
    assert_eq!((wait.step_index, &*wait.event, wait.attempt), (0, "busy", 2));
    assert!(wait.at.since(before) > Duration::from_mins(50), "{wait:?}");
    assert_eq!((activity.records, activity.running), (1, None));
    handle.cancel();
    let _ = handle.wait();
}

/// Whoever sees nothing running must not take a run for idle whose last step is being written down.
#[test]
fn a_run_whose_records_are_not_safe_is_not_settled() {
    let mut events = Events::new();
    let (begun, end) = hold(&mut events, false);
    let plan = events.plan("hold");
    let store = Slow::default();
    let engine = TestEngine::new().store(store.store()).build().unwrap();
    let handle = prepare(&engine, &plan).start().unwrap();
    begun.recv().unwrap();
    assert!(until(&engine, |it| it.running.is_some()).is_settled);
    store.hold();
    end.send(()).unwrap();
    let written = until(&engine, |it| it.records == 1);
    assert!(!written.is_settled);
    store.release();
    assert!(handle.wait().unwrap().is_success());
}

#[test]
fn an_engine_without_a_store_has_nothing_to_say() {
    let engine = TestEngine::new().build().unwrap();
    assert!(engine.activity().is_empty() && engine.activity_of("k").is_none());
}
