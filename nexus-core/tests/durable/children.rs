//! D11: runs inside of the events of durable runs. They have keys that follow from their parents'
//! tasks, an attempt that is made again goes on with them, and they go with their parents.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;

use nexus_core::journal::{Change, MemoryStore, RunQuery, RunState, Store, StoredRun};
use nexus_core::testing::TestEngine;
use nexus_core::{
    Context, Engine, ExecutorInitializerConfig, Inputs, Outcome, Plan, Prepared, Report,
    RetryPolicy, Status, ThreadPoolExecutor,
};

use crate::support::{
    Asking, Ending, Events, block_on, engine, future, poll, prepare, run, state, within,
};

const CANCELLED: RunState = RunState::Ended(Status::Cancelled);
const SUCCEEDED: RunState = RunState::Ended(Status::Succeeded);

/// The engine that an event runs its children on, once it is there.
#[derive(Clone, Default)]
struct Inside(Arc<OnceLock<(Engine, Arc<Plan>)>>);

impl Inside {
    fn set(&self, engine: &Engine, plan: &Arc<Plan>) {
        assert!(self.0.set((engine.clone(), Arc::clone(plan))).is_ok());
    }

    /// A run of the child, as a durable pipeline is run.
    fn child(&self) -> Prepared {
        let (engine, plan) = self.0.get().unwrap();
        engine.prepare_plan(plan, Inputs::new()).unwrap().recorded_if_stored()
    }

    fn run(&self) -> nexus_core::Result<Report> {
        self.child().run()
    }
}

/// The runs that events of `k` have begun, those that began first at first.
fn children(store: &MemoryStore) -> Vec<StoredRun> {
    let mut children = store.runs(&RunQuery::all().parent("k")).unwrap();
    children.reverse();
    children
}

fn states(store: &MemoryStore) -> Vec<RunState> {
    children(store).iter().map(|child| child.state).collect()
}

#[test]
fn an_attempt_that_is_made_again_goes_on_with_the_runs_of_the_one_before() {
    let (mut events, inside) = (Events::new(), Inside::default());
    events.add("a", |_| Outcome::success(1_u32));
    let child = events.plan("a -> a");
    let (inner, keys) = (inside.clone(), Arc::new(Mutex::new(Vec::new())));
    let said = Arc::clone(&keys);
    events
        .add("outer", move |ctx: &Context| {
            for _ in 0..2 {
                inner.run().unwrap();
            }
            said.lock().unwrap().push(ctx.idempotency_key());
            if ctx.attempt() < 3 { Err(std::io::Error::other("again")) } else { Ok(1_u32) }
        })
        .retry_policy(RetryPolicy::default());
    let outer = events.plan("outer");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &outer);
    inside.set(&engine, &child);
    assert!(run(&engine, &outer).unwrap().is_success());
    // Twice two steps, whatever the number of attempts.
    assert_eq!((events.calls.of("outer"), events.calls.total()), (3, 3 + 4));
    let keys = keys.lock().unwrap();
    let expected = [1, 2].map(|number| format!("{}-{number}", keys[0]));
    let mut found: Vec<String> =
        children(&store).iter().map(|child| child.start.key.to_string()).collect();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn items_have_runs_of_their_own() {
    let (mut events, inside) = (Events::new(), Inside::default());
    events.add("a", |_| Outcome::success(1_u32));
    let child = events.plan("a");
    let inner = inside.clone();
    events.add("list", |_| Outcome::success(vec![1_u32, 2, 3]));
    events
        .add("outer", move |_| Outcome::success(inner.run().unwrap().is_success()))
        .each_of::<u32>()
        .executor::<ThreadPoolExecutor>();
    let outer = events.plan("list |-> outer[each]");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &outer);
    inside.set(&engine, &child);
    assert!(run(&engine, &outer).unwrap().is_success());
    assert_eq!((states(&store), events.calls.of("a")), (vec![SUCCEEDED; 3], 3));
}

#[test]
fn wherever_the_process_dies_each_child_is_run_once() {
    let committed: Arc<Mutex<Vec<Change>>> = Arc::default();
    let build = || {
        let (mut events, inside) = (Events::new(), Inside::default());
        events.add("a", |_| Outcome::success(1_u32));
        let child = events.plan("a -> a");
        let inner = inside.clone();
        events.add("outer", move |_| Outcome::success(inner.run().unwrap().is_success()));
        let outer = events.plan("outer -> outer");
        (events, inside, child, outer)
    };
    let (_, inside, child, outer) = build();
    let store = Arc::new(MemoryStore::new());
    let noted = Arc::clone(&committed);
    let noting = Asking::new(&store, move |changes| {
        noted.lock().unwrap().extend(changes.iter().cloned());
        Ok(())
    });
    let whole = TestEngine::new().store(noting).build().unwrap();
    inside.set(&whole, &child);
    run(&whole, &outer).unwrap();
    let committed = committed.lock().unwrap();
    assert_eq!(committed.len(), 3 * 2 + 3 * 2);
    for safe in 1..=committed.len() {
        let left = Arc::new(MemoryStore::new());
        left.commit(&committed[..safe]).unwrap();
        let (events, inside, child, outer) = build();
        let test = TestEngine::new().store(Arc::clone(&left)).resumable(&outer);
        let engine = test.resumable(&child).build().unwrap();
        inside.set(&engine, &child);
        let handles = engine.resume().unwrap();
        within(move || handles.into_iter().for_each(|handle| drop(handle.wait().unwrap())));
        assert_eq!((state(&left), states(&left)), (SUCCEEDED, vec![SUCCEEDED; 2]), "{safe}");
        let kept = committed[..safe].iter();
        let of_children =
            kept.filter(|change| matches!(change, Change::Record { key, .. } if **key != *"k"));
        assert_eq!(events.calls.of("a") + events.calls.of("a#2"), 4 - of_children.count() as u32);
    }
}

/// A child that says that it begins, and waits until it is cancelled; and an event `outer` that
/// runs it.
fn waiting(events: &mut Events) -> (Inside, Arc<Plan>, mpsc::Receiver<()>) {
    let (send, begun) = mpsc::channel();
    events.add("wait", move |ctx: &Context| {
        let _ = send.send(());
        while !ctx.is_cancelled() {
            std::thread::yield_now();
        }
        Outcome::success(1_u32)
    });
    let (child, inside) = (events.plan("wait -> wait"), Inside::default());
    let inner = inside.clone();
    events.add("outer", move |_| Outcome::success(inner.run().is_ok()));
    (inside, child, begun)
}

#[test]
fn cancelling_a_run_cancels_what_its_events_have_begun() {
    let mut events = Events::new();
    let (inside, child, begun) = waiting(&mut events);
    let outer = events.plan("outer");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &outer);
    inside.set(&engine, &child);
    let handle = prepare(&engine, &outer).start().unwrap();
    begun.recv().unwrap();
    assert!(engine.cancel("k").unwrap());
    assert_eq!(within(move || handle.wait().unwrap()).status(), Status::Cancelled);
    assert_eq!((state(&store), states(&store)), (CANCELLED, vec![CANCELLED]));
}

/// A store in which `k` and its child are unfinished, as a process that died has left them.
fn left_with_child() -> (Arc<MemoryStore>, Arc<Plan>, Arc<Plan>, Events, Inside, mpsc::Receiver<()>)
{
    let store = Arc::new(MemoryStore::new());
    let mut events = Events::new();
    let (inside, child, begun) = waiting(&mut events);
    let outer = events.plan("outer");
    let first = engine(&store, &outer);
    inside.set(&first, &child);
    let handle = prepare(&first, &outer).start().unwrap();
    begun.recv().unwrap();
    let left = Arc::new(MemoryStore::new());
    let starts = ["k", &children(&store)[0].start.key]
        .map(|key| Change::Start(store.run(key).unwrap().unwrap().start));
    left.commit(&starts).unwrap();
    handle.cancel();
    within(move || handle.wait().unwrap());
    (left, outer, child, events, inside, begun)
}

#[test]
fn cancelling_a_run_that_nobody_drives_cancels_its_children_in_the_store() {
    let (left, outer, _, events, ..) = left_with_child();
    let before = events.calls.total();
    assert!(engine(&left, &outer).cancel("k").unwrap());
    assert_eq!((state(&left), states(&left)), (CANCELLED, vec![CANCELLED]));
    assert_eq!(events.calls.total(), before);
}

#[test]
fn a_child_whose_parent_is_over_is_not_resumed() {
    let (left, outer, child, events, ..) = left_with_child();
    let at = left.run("k").unwrap().unwrap().start.at;
    left.commit(&[Change::End { key: "k".into(), at, status: Status::Failed }]).unwrap();
    let before = events.calls.total();
    let engine = TestEngine::new().store(Arc::clone(&left)).resumable(&outer).resumable(&child);
    assert!(engine.build().unwrap().resume().unwrap().is_empty());
    assert_eq!((states(&left), events.calls.total()), (vec![CANCELLED], before));
}

/// The parent waits in its event for the child, which goes on by itself since both were resumed.
#[test]
fn a_resumed_run_that_waits_for_its_resumed_child_can_be_cancelled() {
    let (left, _, child, ..) = left_with_child();
    let (mut events, inside) = (Events::new(), Inside::default());
    let (send, waits) = mpsc::channel();
    let inner = inside.clone();
    events.add("outer", move |_| {
        let _ = send.send(());
        Outcome::success(inner.run().is_ok())
    });
    let outer = events.plan("outer");
    let engine = TestEngine::new().store(Arc::clone(&left)).resumable(&outer).resumable(&child);
    let engine = engine.build().unwrap();
    inside.set(&engine, &child);
    let handles = engine.resume().unwrap();
    assert_eq!(handles.len(), 2);
    waits.recv().unwrap();
    assert!(engine.cancel("k").unwrap());
    within(move || handles.into_iter().for_each(|handle| drop(handle.wait())));
    assert_eq!((state(&left), states(&left)), (CANCELLED, vec![CANCELLED]));
}

#[test]
fn what_is_left_of_a_run_s_children_ends_with_it() {
    // It gives its child up when that is about to begin, or when it has begun, and succeeds.
    for waits in [false, true] {
        let mut events = Events::new();
        let (inside, child, begun) = waiting(&mut events);
        let (inner, begun) = (inside.clone(), Mutex::new(begun));
        events.add("gives_up", move |_| {
            let mut child: Ending = Box::pin(inner.child().run_async());
            assert!(poll(&mut child).is_pending());
            while waits && begun.lock().unwrap().try_recv().is_err() {
                assert!(poll(&mut child).is_pending());
            }
            Outcome::success(1_u32)
        });
        let outer = events.plan("gives_up");
        let store = Arc::new(MemoryStore::new());
        let engine = engine(&store, &outer);
        inside.set(&engine, &child);
        let outer = prepare(&engine, &outer);
        assert!(within(move || outer.run().unwrap()).is_success());
        crate::support::settle(&engine);
        assert_eq!(states(&store), [CANCELLED]);
    }
}

#[test]
fn an_attempt_whose_time_is_over_leaves_its_child_to_the_next_one() {
    let (mut events, inside) = (Events::new(), Inside::default());
    let (send, begun) = mpsc::channel();
    let may_end = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&may_end);
    events.add("a", |_| Outcome::success(1_u32));
    events.add("wait", move |ctx: &Context| {
        let _ = send.send(());
        while !ctx.is_cancelled() && !ends.load(SeqCst) {
            std::thread::yield_now();
        }
        Outcome::success(1_u32)
    });
    let child = events.plan("a -> wait");
    let inner = inside.clone();
    events
        .add("outer", move |_| inner.run().map(|report| report.is_success()))
        .executor::<ThreadPoolExecutor>()
        .executor_config(ExecutorInitializerConfig::new().max_workers(2))
        .timeout(Duration::from_mins(1))
        .retry_policy(RetryPolicy::builder().max_attempts(2).backoff_factor(0.0).build());
    let outer = events.plan("outer");
    let store = Arc::new(MemoryStore::new());
    let test = TestEngine::new();
    let clock = test.clock();
    let engine = test.store(Arc::clone(&store)).resumable(&outer).build().unwrap();
    inside.set(&engine, &child);
    let handle = prepare(&engine, &outer).start().unwrap();
    begun.recv().unwrap();
    clock.advance(Duration::from_mins(1));
    begun.recv().unwrap();
    may_end.store(true, SeqCst);
    let report = within(move || handle.wait().unwrap());
    assert!(report.is_success(), "{report}");
    // What the child had done before is not done again.
    assert_eq!(
        (events.calls.of("outer"), events.calls.of("a"), events.calls.of("wait")),
        (2, 1, 2)
    );
    assert_eq!(states(&store), [SUCCEEDED]);
}

#[test]
fn a_future_that_is_dropped_leaves_the_children_of_its_run_to_be_resumed() {
    let mut events = Events::new();
    let (inside, child, begun) = waiting(&mut events);
    let outer = events.plan("outer");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &outer);
    inside.set(&engine, &child);
    let mut dropped = future(&engine, &outer);
    within(move || {
        while begun.try_recv().is_err() {
            assert!(poll(&mut dropped).is_pending());
            std::thread::yield_now();
        }
        drop(dropped);
    });
    // The engine is there until the child has been left.
    drop(inside);
    within(move || engine.shutdown(nexus_core::Shutdown::drain()));
    assert_eq!((state(&store), states(&store)), (RunState::Unfinished, vec![RunState::Unfinished]));
    let key = &children(&store)[0].start.key;
    assert_eq!(store.records(key, 0, usize::MAX).unwrap(), []);
}

#[test]
fn a_run_in_the_background_is_one_of_its_own_and_is_begun_once_all_the_same() {
    let (mut events, inside) = (Events::new(), Inside::default());
    events.add("a", |_| Outcome::success(1_u32));
    let child = events.plan("a");
    let inner = inside.clone();
    events
        .add("outer", move |ctx: &Context| {
            let report = inner.child().start().unwrap().wait().unwrap();
            assert!(report.is_success());
            if ctx.attempt() < 2 { Err(std::io::Error::other("again")) } else { Ok(1_u32) }
        })
        .retry_policy(RetryPolicy::default());
    let outer = events.plan("outer");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &outer);
    inside.set(&engine, &child);
    assert!(run(&engine, &outer).unwrap().is_success());
    assert_eq!((children(&store), events.calls.of("a")), (vec![], 1));
    assert_eq!(store.runs(&RunQuery::all()).unwrap().len(), 2);
}

#[test]
fn an_async_event_s_child_has_the_same_key_in_each_attempt() {
    let (mut events, inside) = (Events::new(), Inside::default());
    events.add("a", |_| Outcome::success(1_u32));
    let child = events.plan("a");
    let (inner, calls) = (inside.clone(), events.calls.clone());
    let event = events.registry.async_event("outer", move |ctx: &Context| {
        calls.note(ctx);
        let (inner, attempt) = (inner.clone(), ctx.attempt());
        Box::pin(async move {
            tokio::task::yield_now().await;
            for _ in 0..2 {
                inner.child().run_async().await.unwrap();
                tokio::task::yield_now().await;
            }
            if attempt < 2 { Err(std::io::Error::other("again")) } else { Ok(1_u32) }
        })
    });
    event.output_json().retry_policy(RetryPolicy::default());
    let outer = events.plan("outer");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &outer);
    inside.set(&engine, &child);
    assert!(block_on(future(&engine, &outer)).unwrap().is_success());
    assert_eq!((events.calls.of("outer"), events.calls.of("a")), (2, 2));
    assert_eq!(states(&store), [SUCCEEDED; 2]);
}

#[test]
fn a_child_that_failed_gives_the_same_report_to_each_attempt() {
    let (mut events, inside) = (Events::new(), Inside::default());
    events.add("no", |_| Outcome::<u32>::failure("never"));
    let child = events.plan("no");
    let inner = inside.clone();
    events
        .add("outer", move |_| match inner.run().unwrap().status() {
            Status::Failed => Err(std::io::Error::other("the child has failed")),
            _ => Ok(1_u32),
        })
        .retry_policy(RetryPolicy::builder().max_attempts(3).backoff_factor(1.0).build());
    let outer = events.plan("outer");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &outer);
    inside.set(&engine, &child);
    assert_eq!(run(&engine, &outer).unwrap().status(), Status::Failed);
    assert_eq!((events.calls.of("outer"), events.calls.of("no")), (3, 1));
}

/// The child's own retry policy is used up when its parent is tried again: without going on, it would
/// give its old report to every attempt for ever.
#[test]
fn a_child_that_failed_goes_on_when_its_parent_is_tried_again() {
    for again in [Engine::retry, |engine: &Engine, key: &str| engine.retry_from(key, "outer")] {
        let (mut events, inside) = (Events::new(), Inside::default());
        events.add("a", |_| Outcome::success(1_u32));
        events.add("second", |ctx: &Context| match ctx.attempt() {
            1 => Err(std::io::Error::other("not yet")),
            attempt => Ok(attempt),
        });
        let child = events.plan("a -> second");
        let inner = inside.clone();
        events.add("outer", move |_| match inner.run().unwrap().status() {
            Status::Succeeded => Ok(1_u32),
            _ => Err(std::io::Error::other("the child has failed")),
        });
        let outer = events.plan("outer");
        let store = Arc::new(MemoryStore::new());
        let engine = engine(&store, &outer);
        inside.set(&engine, &child);
        assert_eq!(run(&engine, &outer).unwrap().status(), Status::Failed);
        let handle = again(&engine, "k").unwrap();
        assert!(within(move || handle.wait().unwrap()).is_success());
        let calls = ["outer", "a", "second"].map(|step| events.calls.of(step));
        assert_eq!((calls, states(&store)), ([2, 1, 2], vec![SUCCEEDED]));
    }
}

/// Otherwise a parent that was cancelled could never succeed, since its child stays cancelled.
#[test]
fn a_child_that_was_cancelled_goes_on_when_its_parent_is_tried_again() {
    let (mut events, inside) = (Events::new(), Inside::default());
    let (begun, has_begun) = mpsc::channel();
    events.add("first", move |ctx: &Context| {
        if ctx.attempt() == 1 && begun.send(()).is_ok() {
            while !ctx.is_cancelled() {
                std::thread::yield_now();
            }
        }
        Outcome::success(1_u32)
    });
    let child = events.plan("first");
    let inner = inside.clone();
    events.add("outer", move |_| Outcome::success(inner.run().unwrap().is_success()));
    let outer = events.plan("outer");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &outer);
    inside.set(&engine, &child);
    let handle = prepare(&engine, &outer).start().unwrap();
    has_begun.recv_timeout(crate::support::PATIENCE).unwrap();
    drop(has_begun);
    assert!(engine.cancel("k").unwrap());
    assert_eq!(handle.wait().unwrap().status(), Status::Cancelled);
    assert_eq!(states(&store), [CANCELLED]);
    let handle = engine.retry("k").unwrap();
    let report = within(move || handle.wait().unwrap());
    assert_eq!((report.status(), report.output::<bool>().unwrap()), (Status::Succeeded, &true));
    assert_eq!(states(&store), [SUCCEEDED]);
}

#[test]
fn a_run_that_would_wait_for_the_one_around_its_parent_says_so() {
    let (mut events, inside) = (Events::new(), Inside::default());
    let outermost = Inside::default();
    let around = outermost.clone();
    events.add("inner", move |_| {
        let error = around.child().key("k").run().err();
        Outcome::success(error.map(|error| error.to_string()))
    });
    let child = events.plan("inner");
    let inner = inside.clone();
    events.add("outer", move |_| {
        let report = inner.run().unwrap();
        Outcome::success(report.output::<Option<String>>().unwrap().clone())
    });
    let outer = events.plan("outer");
    let engine = engine(&Arc::new(MemoryStore::new()), &outer);
    inside.set(&engine, &child);
    outermost.set(&engine, &outer);
    let report = within(move || run(&engine, &outer).unwrap());
    let said = report.output::<Option<String>>().unwrap().as_deref().unwrap();
    assert!(said.contains("`k` would wait for itself"), "{said}");
}
