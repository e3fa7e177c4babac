//! How long runs are kept that are over.

use std::sync::Arc;
use std::time::Duration;

use nexus_core::journal::{Change, MemoryStore, RunQuery, RunStart, Store};
use nexus_core::testing::VirtualClock;
use nexus_core::{Engine, Inputs, Outcome, Plan, Status};

use crate::support::{Events, prepare, within};

const DAY: Duration = Duration::from_hours(24);

fn engine(store: &Arc<MemoryStore>, clock: &VirtualClock, plan: &Arc<Plan>) -> Engine {
    let builder = Engine::builder().clock(clock.clone()).store(Arc::clone(store));
    builder.resumable(plan).build().unwrap()
}

fn keys(store: &MemoryStore) -> Vec<String> {
    let mut keys: Vec<String> =
        store.runs(&RunQuery::all()).unwrap().iter().map(|run| run.start.key.to_string()).collect();
    keys.sort();
    keys
}

fn plan() -> Arc<Plan> {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    events.plan("a")
}

fn run_as(engine: &Engine, plan: &Arc<Plan>, key: &str) {
    engine.prepare_plan(plan, Inputs::new()).unwrap().key(key).run().unwrap();
}

/// A run like `k`, begun by an event of `parent`, which is over if `at` says so.
fn begun_by(store: &MemoryStore, key: &str, parent: &str, ends: bool) {
    let of = store.run("old").unwrap().unwrap();
    let start = of.start;
    let mut child = RunStart::new(key, start.pipeline, start.flow, start.inputs, start.at);
    child.parent = Some(parent.into());
    store.commit(&[Change::Start(child)]).unwrap();
    if let (true, Some(at)) = (ends, of.ended_at) {
        store.commit(&[Change::End { key: key.into(), at, status: Status::Failed }]).unwrap();
    }
}

#[test]
fn only_what_was_over_for_so_long_is_removed_and_its_key_is_free() {
    let (plan, store, clock) = (plan(), Arc::new(MemoryStore::new()), VirtualClock::new());
    let engine = engine(&store, &clock, &plan);
    // More than are removed at once.
    (0..150).for_each(|n| run_as(&engine, &plan, &format!("early {n}")));
    run_as(&engine, &plan, "old");
    begun_by(&store, "open", "nobody", false);
    clock.advance(2 * DAY);
    run_as(&engine, &plan, "young");
    assert_eq!(engine.prune(3 * DAY).unwrap(), 0);
    assert_eq!(engine.prune(DAY).unwrap(), 151);
    assert_eq!(keys(&store), ["open", "young"]);
    run_as(&engine, &plan, "old");
    assert_eq!(keys(&store), ["old", "open", "young"]);
}

#[test]
fn a_child_is_kept_while_its_parent_is_there() {
    let (plan, store, clock) = (plan(), Arc::new(MemoryStore::new()), VirtualClock::new());
    let engine = engine(&store, &clock, &plan);
    run_as(&engine, &plan, "old");
    begun_by(&store, "open", "nobody", false);
    begun_by(&store, "child of open", "open", true);
    begun_by(&store, "child of old", "old", true);
    begun_by(&store, "grandchild", "child of old", true);
    clock.advance(2 * DAY);
    assert_eq!(engine.prune(DAY).unwrap(), 3);
    assert_eq!(keys(&store), ["child of open", "open"]);
}

#[test]
fn an_engine_that_is_told_so_removes_them_when_it_begins() {
    let (plan, store, clock) = (plan(), Arc::new(MemoryStore::new()), VirtualClock::new());
    run_as(&engine(&store, &clock, &plan), &plan, "old");
    clock.advance(2 * DAY);
    let builder = Engine::builder().clock(clock).store(Arc::clone(&store));
    let engine = builder.keep_finished(DAY).build().unwrap();
    let kept = Arc::clone(&store);
    within(move || {
        while !keys(&kept).is_empty() {
            std::thread::yield_now();
        }
    });
    drop(engine);
}

#[test]
fn a_run_that_is_read_or_goes_on_is_not_removed_meanwhile() {
    let mut events = Events::new();
    let (send, begun) = std::sync::mpsc::channel();
    events.add("wait", move |ctx| {
        let _ = send.send(());
        while !ctx.is_cancelled() {
            std::thread::yield_now();
        }
        Outcome::success(1_u32)
    });
    let plan = events.plan("wait");
    let (store, clock) = (Arc::new(MemoryStore::new()), VirtualClock::new());
    let engine = engine(&store, &clock, &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    begun.recv().unwrap();
    clock.advance(2 * DAY);
    assert_eq!(engine.prune(DAY).unwrap(), 0);
    handle.cancel();
    within(move || handle.wait().unwrap());
    assert_eq!(keys(&store), ["k"]);
}
