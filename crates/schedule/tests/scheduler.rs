//! What a scheduler fires: on a virtual clock, over crashes, pauses and runs that take long.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nexus_core::journal::{MemoryStore, RunQuery, RunState, Store};
use nexus_core::testing::{TestEngine, VirtualClock};
use nexus_core::{Clock, Context, Engine, Fields, Flow, Inputs, Outcome, Plan, Registry, Status};
use nexus_schedule::{Misfire, Overlap, Schedule, ScheduleEvent, Scheduled, Scheduler};

/// A plan of one event.
fn plan(
    event: &'static str,
    body: impl Fn(&Context) -> Outcome<u32> + Send + Sync + 'static,
) -> Arc<Plan> {
    let mut registry = Registry::new();
    registry.event(event, body).output_json();
    Flow::parse(event).unwrap().plan(&registry, &Fields::new()).unwrap()
}

fn quick() -> Arc<Plan> {
    plan("load", |_| Outcome::success(7))
}

/// A run that stays under way until somebody says how it ends.
fn endless() -> Arc<Plan> {
    plan("ask", |_| Outcome::pending())
}

/// A plan at every full hour.
fn hourly(plan: &Arc<Plan>) -> Scheduled {
    let plan = Arc::clone(plan);
    let prepare = move |engine: &Engine| engine.prepare_plan(&plan, Inputs::new());
    Scheduled::new("load", Schedule::cron("@hourly").unwrap(), prepare)
}

/// One life of a program: what the scheduler said goes into `said`.
struct Life {
    engine: Engine,
    scheduler: Scheduler,
}

type Said = Arc<Mutex<Vec<String>>>;

fn live(
    clock: &VirtualClock,
    store: Option<&Arc<MemoryStore>>,
    it: Scheduled,
    said: &Said,
) -> Life {
    let engine = Engine::builder().clock(clock.clone()).seed(0);
    let engine = match store {
        Some(store) => engine.store(Arc::clone(store)),
        None => engine,
    };
    let (engine, said) = (engine.build().unwrap(), Arc::clone(said));
    let scheduler = Scheduler::new(&engine).with(it).unwrap().on_event(move |event| {
        said.lock().unwrap().push(match event {
            ScheduleEvent::Fired { key, .. } => key.clone(),
            ScheduleEvent::Skipped { at, why, .. } => format!("{at}: {why}"),
            other => format!("{other:?}"),
        });
    });
    Life { engine, scheduler }
}

fn hours(clock: &VirtualClock, hours: u64) {
    clock.advance(Duration::from_hours(hours));
}

fn take(said: &Said) -> Vec<String> {
    std::mem::take(&mut said.lock().unwrap())
}

/// Waits until no run of the store is under way.
fn settle(store: &MemoryStore) {
    while !store.runs(&RunQuery::unfinished()).unwrap().is_empty() {
        std::thread::yield_now();
    }
}

fn key(hour: u32) -> String {
    format!("schedule/load/2000-01-01T{hour:02}:00:00Z")
}

#[test]
fn each_firing_is_a_durable_run_with_its_time_in_the_key() {
    let (clock, store, said) = (VirtualClock::new(), Arc::new(MemoryStore::new()), Said::default());
    let life = live(&clock, Some(&store), hourly(&quick()), &said);
    life.scheduler.tick().unwrap();
    assert!(take(&said).is_empty(), "a new schedule has missed nothing");
    for hour in 1..=3 {
        hours(&clock, 1);
        life.scheduler.tick().unwrap();
        life.scheduler.tick().unwrap();
        settle(&store);
        assert_eq!(take(&said), [key(hour)]);
    }
    let run = store.run(&key(2)).unwrap().unwrap();
    assert_eq!(run.state, RunState::Ended(Status::Succeeded));
    assert_eq!(store.requests().unwrap().len(), 1, "what was done does not heap up");
}

#[test]
fn what_was_missed_is_made_up_for_as_the_schedule_says() {
    for (misfire, expected) in [
        (Misfire::Skip, vec!["2000-01-01T05:00:00Z: it was missed".to_owned()]),
        (Misfire::One, vec![key(5)]),
        (Misfire::All(3), vec![key(3), key(4), key(5)]),
        (Misfire::All(9), vec![key(2), key(3), key(4), key(5)]),
    ] {
        let (clock, store, said) =
            (VirtualClock::new(), Arc::new(MemoryStore::new()), Said::default());
        let scheduled = || hourly(&quick()).misfire(misfire).overlap(Overlap::Allow);
        let life = live(&clock, Some(&store), scheduled(), &said);
        life.scheduler.tick().unwrap();
        hours(&clock, 1);
        life.scheduler.tick().unwrap();
        settle(&store);
        drop(life);
        take(&said);
        clock.advance(Duration::from_mins(250));
        let life = live(&clock, Some(&store), scheduled(), &said);
        life.scheduler.tick().unwrap();
        settle(&store);
        assert_eq!(take(&said), expected, "{misfire:?}");
        // A third life has nothing to make up for.
        drop(life);
        live(&clock, Some(&store), scheduled(), &said).scheduler.tick().unwrap();
        assert!(take(&said).is_empty(), "{misfire:?}");
    }
}

#[test]
fn a_program_that_is_back_within_a_minute_has_missed_nothing() {
    let (clock, store, said) = (VirtualClock::new(), Arc::new(MemoryStore::new()), Said::default());
    let scheduled = || hourly(&quick()).misfire(Misfire::Skip);
    live(&clock, Some(&store), scheduled(), &said).scheduler.tick().unwrap();
    clock.advance(Duration::from_mins(61));
    live(&clock, Some(&store), scheduled(), &said).scheduler.tick().unwrap();
    assert_eq!(take(&said), [key(1)]);
}

#[test]
fn a_firing_of_which_the_scheduler_left_no_mark_is_not_fired_again() {
    let (clock, store, said) = (VirtualClock::new(), Arc::new(MemoryStore::new()), Said::default());
    let plan = quick();
    live(&clock, Some(&store), hourly(&plan), &said).scheduler.tick().unwrap();
    hours(&clock, 1);
    // The process dies when the run has begun, and before anything else is written.
    let engine = Engine::builder().clock(clock.clone()).store(Arc::clone(&store)).build().unwrap();
    engine.prepare_plan(&plan, Inputs::new()).unwrap().key(key(1)).run().unwrap();
    drop(engine);
    live(&clock, Some(&store), hourly(&plan), &said).scheduler.tick().unwrap();
    assert!(take(&said).is_empty());
    // Neither is one whose run was removed from the store since then.
    store.remove(&[key(1).into()]).unwrap();
    live(&clock, Some(&store), hourly(&plan), &said).scheduler.tick().unwrap();
    assert!(take(&said).is_empty());
}

#[test]
fn a_firing_during_a_run_is_left_out_or_waits_or_goes_beside_it() {
    let skipped = "2000-01-01T02:00:00Z: the run before it is under way".to_owned();
    for (overlap, at_once, afterwards) in [
        (Overlap::Skip, vec![skipped], vec![]),
        (Overlap::Queue, vec![], vec![key(2)]),
        (Overlap::Allow, vec![key(2)], vec![]),
    ] {
        let (clock, store, said) =
            (VirtualClock::new(), Arc::new(MemoryStore::new()), Said::default());
        let plan = endless();
        let life = live(&clock, Some(&store), hourly(&plan).overlap(overlap), &said);
        life.scheduler.tick().unwrap();
        hours(&clock, 1);
        life.scheduler.tick().unwrap();
        assert_eq!(take(&said), [key(1)]);
        hours(&clock, 1);
        life.scheduler.tick().unwrap();
        assert_eq!(take(&said), at_once, "{overlap:?}");
        for run in store.runs(&RunQuery::unfinished()).unwrap() {
            life.engine.cancel(&run.start.key).unwrap();
        }
        settle(&store);
        life.scheduler.tick().unwrap();
        assert_eq!(take(&said), afterwards, "{overlap:?}");
    }
}

#[test]
fn a_run_that_is_under_way_since_before_a_crash_is_not_overlapped() {
    let (clock, store, said) = (VirtualClock::new(), Arc::new(MemoryStore::new()), Said::default());
    let plan = endless();
    let life = live(&clock, Some(&store), hourly(&plan), &said);
    life.scheduler.tick().unwrap();
    hours(&clock, 1);
    life.scheduler.tick().unwrap();
    drop(life.scheduler);
    life.engine.shutdown(nexus_core::Shutdown::release());
    drop(life.engine);
    take(&said);
    hours(&clock, 1);
    live(&clock, Some(&store), hourly(&plan), &said).scheduler.tick().unwrap();
    assert_eq!(take(&said), ["2000-01-01T02:00:00Z: the run before it is under way"]);
}

#[test]
fn a_pause_outlives_the_program_and_is_not_made_up_for() {
    let (clock, store, said) = (VirtualClock::new(), Arc::new(MemoryStore::new()), Said::default());
    let life = live(&clock, Some(&store), hourly(&quick()), &said);
    life.scheduler.tick().unwrap();
    life.scheduler.pause("load").unwrap();
    hours(&clock, 1);
    life.scheduler.tick().unwrap();
    assert_eq!(take(&said), [r#"Paused { schedule: "load" }"#]);
    drop(life);

    hours(&clock, 1);
    let life = live(&clock, Some(&store), hourly(&quick()), &said);
    life.scheduler.tick().unwrap();
    assert!(life.scheduler.list().unwrap()[0].1.is_paused);
    assert_eq!(take(&said), [r#"Paused { schedule: "load" }"#]);
    // Somebody who asks for it gets a run all the same.
    life.scheduler.fire("load").unwrap();
    life.scheduler.tick().unwrap();
    settle(&store);
    assert_eq!(take(&said), [key(2)]);
    clock.advance(Duration::from_mins(30));
    life.scheduler.resume("load").unwrap();
    life.scheduler.tick().unwrap();
    assert_eq!(take(&said), [r#"Resumed { schedule: "load" }"#]);
    drop(life);

    let life = live(&clock, Some(&store), hourly(&quick()), &said);
    life.scheduler.tick().unwrap();
    assert!(take(&said).is_empty());
    hours(&clock, 1);
    life.scheduler.tick().unwrap();
    assert_eq!(take(&said), [key(3)]);
}

#[test]
fn without_a_store_schedules_fire_in_memory() {
    let (clock, said) = (VirtualClock::new(), Said::default());
    let life = live(&clock, None, hourly(&quick()), &said);
    assert!(!life.scheduler.is_durable());
    life.scheduler.tick().unwrap();
    hours(&clock, 1);
    life.scheduler.tick().unwrap();
    life.scheduler.tick().unwrap();
    assert_eq!(take(&said), [key(1)]);
    life.scheduler.pause("load").unwrap();
    hours(&clock, 1);
    life.scheduler.tick().unwrap();
    assert_eq!(take(&said), [r#"Paused { schedule: "load" }"#]);
}

#[test]
fn a_run_that_cannot_begin_is_told_and_the_next_is_tried() {
    let test = TestEngine::new();
    let (clock, said) = (test.clock(), Said::default());
    let broken = |_: &Engine| Err(nexus_core::Error::Engine("no input today".to_owned()));
    let scheduled = Scheduled::new("load", Schedule::cron("@hourly").unwrap(), broken);
    let life = live(&clock, None, scheduled, &said);
    life.scheduler.tick().unwrap();
    for _ in 0..2 {
        hours(&clock, 1);
        life.scheduler.tick().unwrap();
        life.scheduler.tick().unwrap();
        assert_eq!(
            take(&said),
            [r#"Failed { schedule: "load", error: Engine("no input today") }"#]
        );
    }
}

#[test]
fn a_list_shows_the_next_five_times_in_their_zone() {
    let engine = TestEngine::new();
    let clock = engine.clock();
    let nightly = Schedule::cron("30 2 * * *").unwrap().zone("Europe/Oslo").unwrap();
    let plan = quick();
    let load = move |engine: &Engine| engine.prepare_plan(&plan, Inputs::new());
    let scheduler = Scheduler::new(&engine.build().unwrap());
    let scheduler = scheduler.with(Scheduled::new("load", nightly, load)).unwrap();
    assert!(clock.wall_time() > Duration::ZERO);
    let list = scheduler.list().unwrap();
    let next: Vec<String> = list[0].1.next.iter().map(ToString::to_string).collect();
    assert_eq!(next.len(), 5);
    assert_eq!(next[0], "2000-01-01T02:30:00+01:00[Europe/Oslo]");
}

#[test]
fn names_and_intervals_that_cannot_be_are_refused() {
    let engine = TestEngine::new().build().unwrap();
    let named = |name: &str, schedule: Schedule| {
        let plan = quick();
        let load = move |engine: &Engine| engine.prepare_plan(&plan, Inputs::new());
        Scheduler::new(&engine).with(Scheduled::new(name, schedule, load)).map(drop)
    };
    let hourly = || Schedule::cron("@hourly").unwrap();
    for name in ["", "a/b", "a b", "a\u{1b}[2J"] {
        assert!(named(name, hourly()).is_err(), "{name:?}");
    }
    assert!(named("a", Schedule::every(Duration::from_millis(999)).unwrap()).is_err());
    assert!(named("a", Schedule::every(Duration::from_secs(1)).unwrap()).is_ok());
}
