#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use nexus_core::journal::MemoryStore;
use nexus_core::{Context, Fields, Flow, Inputs, Outcome, Plan, Registry};

use super::*;

/// An engine, and a pipeline of one step.
fn one_step() -> (Engine, Arc<Plan>) {
    let mut registry = Registry::new();
    registry.event("step", |_: &Context| Outcome::success(1_u32)).output_json();
    let plan = Flow::parse("step").unwrap().plan(&registry, &Fields::new()).unwrap();
    (Engine::builder().store(MemoryStore::new()).build().unwrap(), plan)
}

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

/// Whoever watches a run with many steps must not have all of it read for each of them.
#[test]
fn a_run_that_goes_on_is_read_on_from_where_it_was_read_and_once_for_all_who_ask() {
    let mut registry = Registry::new();
    registry.event("step", |_: &Context| Outcome::success(1_u32)).output_json();
    registry.event("wait", |_: &Context| Outcome::<u32>::pending()).output_json();
    let plan = Flow::parse("step -> wait").unwrap().plan(&registry, &Fields::new()).unwrap();
    let engine = Engine::builder().store(MemoryStore::new()).build().unwrap();
    let run = engine.prepare_plan(&plan, Inputs::new()).unwrap().key("run").start().unwrap();
    while engine.pending("run").unwrap().is_empty() {
        std::thread::yield_now();
    }
    let histories = Histories::default();
    let first = histories.read(&engine, "run").unwrap();
    let mark = |known: &mut Known| Arc::make_mut(&mut known.history).steps[0].event.push('!');
    lock(&histories.read).iter_mut().for_each(mark);
    engine.resolve("run", "wait", 1_u32).unwrap();
    run.wait().unwrap();
    let turn = histories.turns.take("run");
    let (second, third) = std::thread::scope(|scope| {
        let read = || histories.read(&engine, "run").unwrap();
        let readers = [scope.spawn(read), scope.spawn(read)];
        drop(turn);
        readers.map(|it| it.join().unwrap()).into()
    });
    assert!(Arc::ptr_eq(&second, &third));
    assert!(second.run.records > first.run.records && second.run.ended_at.is_some());
    assert_eq!((&*second.steps[0].event, second.steps[1].ended_attempts), ("step!", 1));
}

#[test]
fn of_long_runs_few_are_kept() {
    let (engine, plan) = one_step();
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
    let now = Instant::now();
    histories.keep(Known { history: Arc::new(long), asked_at: now, read_at: now, took: QUICK });
    assert_eq!(lock(&histories.read).len(), 1);
}

/// A page that is told of a run asks for three things, and so does each other page: to read the run again for
/// each of them costs the run more than all else that pages do. What was written before a page was told must
/// be in it.
#[test]
fn a_history_serves_whoever_was_told_of_the_run_before_it_was_read() {
    let (engine, plan) = one_step();
    drop(engine.prepare_plan(&plan, Inputs::new()).unwrap().key("run").run().unwrap());
    let histories = Histories::default();
    let before = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
    assert!(histories.read_after(before, "run").is_none());
    let read = histories.read(&engine, "run").unwrap();
    assert!(Arc::ptr_eq(&read, &histories.read_after(before, "run").unwrap()));
    assert!(histories.read_after(Instant::now(), "run").is_none());
    assert!(histories.read_after(before, "other").is_none());
}
