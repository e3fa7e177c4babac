//! An engine that releases its runs: attempts end and are recorded, nothing more starts, and
//! whoever resumes the runs goes on from there.

use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use nexus_core::journal::{MemoryStore, RunState, Store};
use nexus_core::testing::TestEngine;
use nexus_core::{
    Context, DefaultExecutor, Engine, ExecutorInitializerConfig, Inputs, Observer, Outcome, Plan,
    RetryPolicy, RunEnd, RunEvent,
};
use nexus_core::{RunHandle, Shutdown, ShutdownReport, Status, ThreadPoolExecutor};

use crate::support::{Events, PATIENCE, prepare, records, state, within};

/// Flows that begin with an event which says so, and ends when it is let.
struct Held {
    begun: Receiver<()>,
    end: Sender<()>,
}

impl Held {
    /// Adds the event `hold`: on the run's own thread, or on a pool with one thread.
    fn add(events: &mut Events, on_pool: bool) -> Self {
        let (begins, begun) = mpsc::channel();
        let (end, ends) = mpsc::channel();
        let ends = Mutex::new(ends);
        let added = events.add("hold", move |_| {
            let _ = begins.send(());
            let _ = ends.lock().unwrap().recv();
            Outcome::success(1_u32)
        });
        if on_pool {
            let one = ExecutorInitializerConfig::new().max_workers(1);
            added.executor::<ThreadPoolExecutor>().executor_config(one);
        } else {
            added.executor::<DefaultExecutor>();
        }
        Self { begun, end }
    }
}

/// A run that waits an hour for its retry, so that it is at rest.
fn resting(events: &mut Events, engine: &Engine) -> RunHandle {
    let policy =
        RetryPolicy::builder().max_attempts(2).backoff_factor(3600.0).max_backoff(3600.0).build();
    let (ends, ended) = mpsc::channel();
    let busy = move |_: &Context| {
        let _ = ends.send(());
        Err::<u32, _>(std::io::Error::other("busy"))
    };
    events.add("busy", busy).retry_policy(policy);
    let plan = events.plan("busy");
    let run = engine.prepare_plan(&plan, Inputs::new()).unwrap().key("resting").start().unwrap();
    ended.recv().unwrap();
    run
}

/// On the real clock: the virtual one is over any wait at once.
fn engine(store: &Arc<MemoryStore>, plan: &Arc<Plan>) -> Engine {
    Engine::builder().store(Arc::clone(store)).resumable(plan).build().unwrap()
}

/// Releases the runs of the engine in the background, and returns when it has begun to.
fn release(engine: &Engine, resting: RunHandle) -> std::thread::JoinHandle<ShutdownReport> {
    let engine = engine.clone();
    let ending = std::thread::spawn(move || engine.shutdown(Shutdown::release().within(PATIENCE)));
    let left = within(move || resting.wait()).unwrap_err().to_string();
    assert!(left.contains("resumed"), "{left}");
    ending
}

#[test]
fn an_attempt_ends_and_is_recorded_and_nothing_more_starts() {
    for (flow, on_pool) in [
        ("hold -> next", false),
        ("hold -> next", true),
        ("hold || hold || hold -> next", false),
        ("hold || hold || hold -> next", true),
    ] {
        let mut events = Events::new();
        let held = Held::add(&mut events, on_pool);
        events.add("next", |_| Outcome::success(2_u32));
        let plan = events.plan(flow);
        let store = Arc::new(MemoryStore::new());
        let first = engine(&store, &plan);
        let resting = resting(&mut events, &first);
        let handle = prepare(&first, &plan).start().unwrap();
        held.begun.recv().unwrap();
        let ending = release(&first, resting);
        held.end.send(()).unwrap();
        assert!(ending.join().unwrap().is_clean(), "{flow} {on_pool} {:?}", records(&store));
        assert!(handle.wait().is_err(), "{flow}");
        let left = (state(&store), records(&store).len(), events.calls.of("next"));
        assert_eq!(left, (RunState::Unfinished, 1, 0), "{flow} {on_pool}");
        drop(held.end);
        let second = engine(&store, &plan);
        second.cancel("resting").unwrap();
        let again = second.resume().unwrap().remove(0);
        assert_eq!(again.wait().unwrap().status(), Status::Succeeded, "{flow}");
        let steps = plan.len() as u32;
        assert_eq!(events.calls.total() - 1, steps, "{flow}: each is invoked once");
    }
}

#[test]
fn an_attempt_that_takes_longer_than_the_grace_is_left_without_a_record() {
    let mut events = Events::new();
    let (begins, begun) = mpsc::channel();
    events.add("deaf", move |ctx: &Context| {
        let _ = begins.send(());
        while !ctx.is_cancelled() {
            std::thread::yield_now();
        }
        Outcome::success(1_u32)
    });
    let plan = events.plan("deaf -> deaf");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    begun.recv().unwrap();
    within(move || engine.shutdown(Shutdown::release().within(Duration::from_millis(10))));
    assert!(handle.wait().is_err());
    assert_eq!((state(&store), records(&store).len()), (RunState::Unfinished, 0));
}

/// Otherwise an attempt would fail because of the shutdown, and that would be recorded.
#[test]
fn a_run_inside_of_an_attempt_is_a_part_of_it() {
    let mut events = Events::new();
    let held = Held::add(&mut events, false);
    events.add("next", |_| Outcome::success(2_u32));
    let child = events.plan("hold -> next");
    let slot: Arc<Mutex<Option<Engine>>> = Arc::default();
    let inner = Arc::clone(&slot);
    events.add("outer", move |_| {
        let engine = inner.lock().unwrap().take().unwrap();
        let begin = |key: &str| engine.prepare_plan(&child, Inputs::new()).unwrap().key(key).run();
        let both = [begin("child"), begin("begun meanwhile")];
        Outcome::success(both.iter().all(Result::is_ok))
    });
    let outer = events.plan("outer -> next");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &outer);
    let resting = resting(&mut events, &engine);
    *slot.lock().unwrap() = Some(engine.clone());
    let handle = prepare(&engine, &outer).start().unwrap();
    held.begun.recv().unwrap();
    let ending = release(&engine, resting);
    drop(held.end);
    assert!(ending.join().unwrap().is_clean());
    assert!(handle.wait().is_err());
    let [outcome] = &*records(&store) else { panic!("the outer attempt alone is recorded") };
    assert!(outcome.body.contains("true"), "{}", outcome.body);
    for child in ["child", "begun meanwhile"] {
        let child = store.run(child).unwrap().unwrap();
        assert_eq!(child.state, RunState::Ended(Status::Succeeded));
    }
}

/// What an observer is told of the end of a run: its key, and whether it was left.
type End = (Option<String>, bool);

#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<End>>>);

impl Observer for Ends {
    fn pipeline_execution_end(&self, run: &RunEvent<'_>, end: &RunEnd<'_>) {
        self.0.lock().unwrap().push((run.key().map(str::to_owned), end.is_left()));
    }
}

#[test]
fn an_observer_tells_a_run_that_is_left_from_one_that_is_over() {
    let mut events = Events::new();
    let held = Held::add(&mut events, false);
    let plan = events.plan("hold -> hold");
    let ends = Ends::default();
    let store = MemoryStore::new();
    let engine = TestEngine::new().store(store).observer(ends.clone()).build().unwrap();
    held.end.send(()).unwrap();
    held.end.send(()).unwrap();
    prepare(&engine, &plan).run().unwrap();
    let handle = engine.prepare_plan(&plan, Inputs::new()).unwrap().key("left").start().unwrap();
    (0..3).for_each(|_| held.begun.recv().unwrap());
    within(move || engine.shutdown(Shutdown::release().within(Duration::from_millis(10))));
    drop(held.end);
    assert!(handle.wait().is_err());
    let told = [(Some("k".to_owned()), false), (Some("left".to_owned()), true)];
    assert_eq!(*ends.0.lock().unwrap(), told);
}
