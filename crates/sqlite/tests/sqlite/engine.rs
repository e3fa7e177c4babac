//! Engines on a store on disk: what was decided of runs, children, how long runs are kept.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nexus_core::journal::{RunQuery, RunState, Store};
use nexus_core::testing::VirtualClock;
use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Plan, Registry, Status};
use nexus_sqlite::SqliteStore;

use crate::support::Folder;

fn plan(registry: &Registry, flow: &str) -> Arc<Plan> {
    Flow::parse(flow).unwrap().plan(registry, &Fields::new()).unwrap()
}

fn registry(names: &[&str]) -> Registry {
    let mut registry = Registry::new();
    for name in names {
        registry.event(*name, |_: &Context| Outcome::success(1_u32)).output_json();
    }
    registry
}

fn engine(path: &Path, clock: &VirtualClock, plans: &[&Arc<Plan>]) -> Engine {
    let builder = Engine::builder().clock(clock.clone()).store(SqliteStore::open(path).unwrap());
    plans.iter().fold(builder, |builder, plan| builder.resumable(plan)).build().unwrap()
}

/// A store in which the run `k` of `pack -> ship` is left after its first step.
fn left(path: &Path, clock: &VirtualClock) {
    let mut registry = registry(&["pack"]);
    registry
        .event("ship", |ctx: &Context| {
            while !ctx.is_cancelled() {
                std::thread::yield_now();
            }
            Outcome::success(1_u32)
        })
        .output_json();
    let old = plan(&registry, "pack -> ship");
    let engine = engine(path, clock, &[&old]);
    let handle = engine.prepare_plan(&old, Inputs::new()).unwrap().key("k").start().unwrap();
    while engine.runs(&RunQuery::all()).unwrap()[0].records == 0 {
        std::thread::yield_now();
    }
    engine.shutdown(nexus_core::Shutdown::cancel());
    assert!(handle.wait().is_err());
}

#[test]
fn what_was_decided_of_a_run_outlives_the_process() {
    for restarts in [false, true] {
        let (folder, clock) = (Folder::fast(), VirtualClock::new());
        let path = folder.file("orders.db");
        left(&path, &clock);
        let today = plan(&registry(&["pack", "ship", "bill"]), "pack -> ship -> bill");
        let engine = engine(&path, &clock, &[&today]);
        assert!(engine.resume().unwrap().is_empty());
        let listed = engine.runs(&RunQuery::all().state(RunState::NeedsDecision)).unwrap();
        let reason = listed[0].reason.as_deref().unwrap();
        assert!(reason.contains("new:  bill"), "{reason}");
        assert_eq!(engine.run_counts(&RunQuery::all()).unwrap().of(RunState::NeedsDecision), 1);
        let handle = if restarts { engine.restart("k") } else { engine.adopt("k") };
        let report = handle.unwrap().wait().unwrap();
        assert!(report.is_success());
        drop(engine);
        let again = self::engine(&path, &clock, &[&today]);
        assert_eq!(again.report("k").unwrap().unwrap().to_string(), report.to_string());
        let stored = again.runs(&RunQuery::all()).unwrap().remove(0);
        assert_eq!(stored.start.flow.script, "pack -> ship");
        assert_eq!(stored.flow().script, "pack -> ship -> bill");
        assert_eq!(stored.records, if restarts { 1 + 1 + 3 } else { 1 + 1 + 2 });
    }
}

#[test]
fn children_are_listed_by_their_parent_and_removed_after_it() {
    let (folder, clock) = (Folder::fast(), VirtualClock::new());
    let path = folder.file("orders.db");
    let inside: Arc<OnceLock<(Engine, Arc<Plan>)>> = Arc::default();
    let mut registry = registry(&["pack", "ship"]);
    let inner = Arc::clone(&inside);
    registry
        .event("order", move |_: &Context| {
            let (engine, plan) = inner.get().unwrap();
            let child = engine.prepare_plan(plan, Inputs::new()).unwrap().recorded_if_stored();
            Outcome::success(child.run().unwrap().is_success())
        })
        .output_json();
    let (order, child) = (plan(&registry, "order -> order"), plan(&registry, "pack -> ship"));
    let engine = engine(&path, &clock, &[&order, &child]);
    assert!(inside.set((engine.clone(), child)).is_ok());
    let report = engine.prepare_plan(&order, Inputs::new()).unwrap().key("k").run().unwrap();
    assert!(report.is_success());
    let children = RunQuery::all().parent("k").state(RunState::Ended(Status::Succeeded));
    assert_eq!(engine.runs(&children).unwrap().len(), 2);
    assert_eq!(engine.run_counts(&children).unwrap().total(), 2);
    clock.advance(Duration::from_hours(2));
    assert_eq!(engine.prune(Duration::from_hours(3)).unwrap(), 0);
    assert_eq!(engine.prune(Duration::from_hours(1)).unwrap(), 3);
    let beside = SqliteStore::read_only(&path).unwrap();
    assert_eq!(beside.runs(&RunQuery::all()).unwrap(), []);
}
