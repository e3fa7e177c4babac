#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use nexus_core::journal::MemoryStore;
use nexus_core::{Context, Fields, Flow, Inputs, Outcome, Registry};

use super::*;

/// Has every history that is kept taken so long to read.
fn took(histories: &Histories, took: Duration) {
    for known in &mut *lock(&histories.read) {
        known.took = took;
    }
}

/// Whoever watches a long run must not have the engine's machine read it all the time; a short one, and one
/// to which somebody has done something, is shown as it is.
#[test]
fn a_long_run_that_goes_on_is_read_now_and_then_and_a_short_one_always() {
    let mut registry = Registry::new();
    registry.event("wait", |_: &Context| Outcome::<u32>::pending()).output_json();
    let flow = Flow::parse("wait -> wait -> wait -> wait").unwrap();
    let plan = flow.plan(&registry, &Fields::new()).unwrap();
    let engine = Engine::builder().store(MemoryStore::new()).build().unwrap();
    let run = engine.prepare_plan(&plan, Inputs::new()).unwrap().key("run").start().unwrap();
    let resolve = |step: &str| {
        while engine.pending("run").unwrap().iter().all(|it| it.step.path() != step) {
            std::thread::yield_now();
        }
        engine.resolve("run", step, 1_u32).unwrap();
    };
    let histories = Histories::default();
    let read = || histories.read(&engine, "run").unwrap();
    let first = read();
    // The machine may have stood still meanwhile.
    took(&histories, QUICK);
    resolve("wait");
    assert!(read().run.records > first.run.records);
    let second = read();
    took(&histories, Duration::from_hours(1));
    resolve("wait#2");
    assert!(Arc::ptr_eq(&second, &read()));
    histories.forget("run");
    assert!(read().run.records > second.run.records);
    took(&histories, Duration::from_hours(1));
    run.cancel();
    run.wait().unwrap();
    // What has ended is shown so at once.
    assert!(read().run.ended_at.is_some());
}

#[test]
fn of_long_runs_few_are_kept() {
    let mut registry = Registry::new();
    registry.event("step", |_: &Context| Outcome::success(1_u32)).output_json();
    let plan = Flow::parse("step").unwrap().plan(&registry, &Fields::new()).unwrap();
    let engine = Engine::builder().store(MemoryStore::new()).build().unwrap();
    let histories = Histories::default();
    for number in 0..10_u64 {
        let key = number.to_string();
        drop(engine.prepare_plan(&plan, Inputs::new()).unwrap().key(&*key).run().unwrap());
        histories.read(&engine, &key).unwrap();
        let kept = lock(&histories.read).len() as u64;
        assert_eq!(kept, (number + 1).min(KEPT as u64));
    }
    let mut long = (*histories.read(&engine, "9").unwrap()).clone();
    long.run.records = KEPT_SIZE;
    histories.keep(Known { history: Arc::new(long), read_at: Instant::now(), took: QUICK });
    assert_eq!(lock(&histories.read).len(), 1);
}
