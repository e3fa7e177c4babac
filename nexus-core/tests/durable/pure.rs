//! D4: events with `checkpoint = false`, which are computed again.

use std::sync::Arc;

use nexus_core::journal::{MemoryStore, RecordKind, RunState};
use nexus_core::{Context, Outcome, Status, ThreadPoolExecutor};

use crate::support::{Events, block_on, engine, future, kinds, left_at, run, state, within};

#[test]
fn on_a_pool_they_end_and_the_run_with_them() {
    let mut events = Events::new();
    events
        .add("pure", |_| Outcome::success(1_u32))
        .executor::<ThreadPoolExecutor>()
        .checkpoint(false);
    let plan = events.plan("pure -> pure || pure -> pure");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    assert!(within(move || run(&engine, &plan).unwrap()).is_success());
    assert_eq!(kinds(&store), [(RecordKind::Computed, 1); 4]);
    assert_eq!(state(&store), RunState::Ended(Status::Succeeded));
}

#[test]
fn in_a_future_they_end_and_the_run_with_them() {
    let mut events = Events::new();
    events.add("pure", |_| Outcome::success(1_u32)).checkpoint(false);
    let plan = events.plan("pure -> pure");
    let store = Arc::new(MemoryStore::new());
    let report = block_on(future(&engine(&store, &plan), &plan)).unwrap();
    assert!(report.is_success());
    assert_eq!(state(&store), RunState::Ended(Status::Succeeded));
}

#[test]
fn what_they_take_and_what_they_give_is_there_again_after_a_crash() {
    let mut events = Events::new();
    let previous = |ctx: &Context| ctx.previous()[0].value::<u32>().copied().unwrap_or_default();
    events.add("ten", |_| Outcome::success(10_u32));
    events.add("pure", move |ctx| Outcome::success(2 * previous(ctx))).checkpoint(false);
    events.add("next", move |ctx| Outcome::success(1 + previous(ctx)));
    let plan = events.plan("ten |-> pure |-> next");
    let store = Arc::new(MemoryStore::new());
    assert_eq!(run(&engine(&store, &plan), &plan).unwrap().output::<u32>().unwrap(), &21);
    let kinds: Vec<RecordKind> = kinds(&store).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [RecordKind::Completed, RecordKind::Computed, RecordKind::Completed]);
    for safe in 0..=3 {
        let engine = engine(&left_at(&store, safe), &plan);
        let report = engine.resume().unwrap().remove(0).wait().unwrap();
        assert_eq!(report.output::<u32>().unwrap(), &21, "left at {safe}");
    }
}

#[test]
fn an_async_one_is_refused_and_named_before_the_run_begins() {
    let mut events = Events::new();
    let registry = &mut events.registry;
    registry
        .async_event("look_up", |_: &Context| Box::pin(async { Outcome::success(1_u32) }))
        .output_json()
        .checkpoint(false);
    let plan = events.plan("look_up");
    let store = Arc::new(MemoryStore::new());
    let refused = run(&engine(&store, &plan), &plan).unwrap_err().to_string();
    assert!(refused.contains("`look_up`") && refused.contains("checkpoint = false"), "{refused}");
    assert!(nexus_core::journal::Store::run(&*store, "k").unwrap().is_none());
}
