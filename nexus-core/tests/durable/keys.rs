//! D1: a key has one run.

use std::sync::{Arc, Mutex, OnceLock, mpsc};

use nexus_core::journal::{Change, MemoryStore, RunQuery, RunState};
use nexus_core::testing::TestEngine;
use nexus_core::{Engine, Fields, Flow, Inputs, Outcome, Plan, Status};

use crate::support::{Asking, Events, engine, left_at, prepare, run, state, within};

#[test]
fn the_same_key_again_invokes_nothing_and_gives_the_same_report() {
    let mut events = Events::new();
    events.add("charge", |ctx| Outcome::success(ctx.idempotency_key()));
    let plan = events.plan("charge -> charge");
    let store = Arc::new(MemoryStore::new());
    let first = run(&engine(&store, &plan), &plan).unwrap();
    let again = run(&engine(&store, &plan), &plan).unwrap();
    assert_eq!(events.calls.total(), 2);
    assert_eq!(first.output::<String>().unwrap(), again.output::<String>().unwrap());
    assert_eq!(first.run_id(), again.run_id());
    let runs = engine(&store, &plan).runs(&RunQuery::all()).unwrap();
    let states: Vec<RunState> = runs.iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Ended(Status::Succeeded)]);
}

#[test]
fn a_key_with_other_inputs_is_refused_and_both_are_shown() {
    let mut events = Events::new();
    events.add("show", |_| Outcome::success(1_u8));
    let fields = Fields::new().with_serde::<String>("city");
    let plan = Flow::parse("show").unwrap().plan(&events.registry, &fields).unwrap();
    let engine = Engine::builder().store(MemoryStore::new()).build().unwrap();
    let show = |plan, city: &str| {
        let inputs = Inputs::new().with("city", city.to_owned());
        engine.prepare_plan(plan, inputs).unwrap().key("k").run()
    };
    assert!(show(&plan, "Porto").unwrap().is_success());
    let other = show(&plan, "Lagos").unwrap_err().to_string();
    assert!(other.contains("Porto") && other.contains("Lagos"), "{other}");
    assert!(show(&plan, "Porto").unwrap().is_success());
    assert_eq!(events.calls.total(), 1);
}

#[test]
fn a_key_without_a_store_says_how_to_give_one() {
    let mut events = Events::new();
    events.add("show", |_| Outcome::success(1_u8));
    let plan = events.plan("show");
    let error = run(&Engine::new(), &plan).unwrap_err().to_string();
    assert!(error.contains("`k`") && error.contains("Engine::builder().store(..)"), "{error}");
}

#[test]
fn a_run_under_way_is_waited_for() {
    let mut events = Events::new();
    events.add("charge", |_| Outcome::success(7_u32));
    let plan = events.plan("charge");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let runs: Vec<_> =
        (0..8).map(|_| engine.prepare_plan(&plan, Inputs::new()).unwrap().key("k")).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = runs.into_iter().map(|run| scope.spawn(|| run.run())).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap().unwrap().output::<u32>().unwrap(), &7);
        }
    });
    assert_eq!(events.calls.total(), 1);
}

/// An event `hold` that says that it begins, and ends when the sender is dropped.
fn held(events: &mut Events) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
    let ((send, begun), (end, ended)) = (mpsc::channel(), mpsc::channel::<()>());
    let ended = Mutex::new(ended);
    events.add("hold", move |_| {
        let _ = send.send(());
        let _ = ended.lock().unwrap().recv();
        Outcome::success(1_u32)
    });
    (begun, end)
}

#[test]
fn another_pipeline_is_refused_while_the_run_of_the_key_is_still_under_way() {
    let mut events = Events::new();
    let (begun, end) = held(&mut events);
    events.add("b", |_| Outcome::success(1_u32));
    let (plan, other) = (events.plan("hold"), events.plan("b"));
    let engine = engine(&Arc::new(MemoryStore::new()), &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    begun.recv().unwrap();
    let refused = within(move || run(&engine, &other).unwrap_err().to_string());
    assert!(refused.contains("`k`") && refused.contains("then: hold"), "{refused}");
    drop(end);
    assert!(handle.wait().unwrap().is_success());
    assert_eq!(events.calls.total(), 1);
}

#[test]
fn a_run_that_is_resumed_is_not_resumed_twice() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let (begun, end) = held(&mut events);
    let plan = events.plan("a -> hold");
    let store = Arc::new(MemoryStore::new());
    let first = engine(&store, &plan);
    let handle = prepare(&first, &plan).start().unwrap();
    begun.recv().unwrap();
    let left = left_at(&store, 1);
    let second = engine(&left, &plan);
    let resumed = second.resume().unwrap().remove(0);
    begun.recv().unwrap();
    assert!(second.resume().unwrap().is_empty());
    assert!(second.report("k").unwrap().is_none());
    assert_eq!(state(&left), RunState::Unfinished);
    drop(end);
    assert!(handle.wait().unwrap().is_success() && resumed.wait().unwrap().is_success());
    assert_eq!((events.calls.of("a"), events.calls.of("hold")), (1, 2));
}

#[test]
fn a_run_that_would_wait_for_itself_says_so() {
    let mut events = Events::new();
    let slot: Arc<OnceLock<(Engine, Arc<Plan>)>> = Arc::default();
    let inner = Arc::clone(&slot);
    events.add("a", move |_| {
        let (engine, plan) = inner.get().unwrap();
        let error = run(engine, plan).err();
        Outcome::success(error.map(|error| error.to_string()))
    });
    let plan = events.plan("a");
    let engine = engine(&Arc::new(MemoryStore::new()), &plan);
    let _ = slot.set((engine.clone(), Arc::clone(&plan)));
    let report = within(move || run(&engine, &plan).unwrap());
    let said = report.output::<Option<String>>().unwrap().as_deref().unwrap();
    assert!(said.contains("`k` would wait for itself"), "{said}");
    assert_eq!(events.calls.total(), 1);
}

/// Somebody who took the key in between would run, and be listed as waiting for a decision.
#[test]
fn a_run_that_cannot_go_on_has_its_key_until_the_reason_is_written() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let (old, today) = (events.plan("a -> a"), events.plan("a -> a -> a"));
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &old), &old).unwrap();
    let left = left_at(&store, 1);
    let slot: Arc<OnceLock<Engine>> = Arc::default();
    let (inside, free) = (Arc::clone(&slot), Arc::new(Mutex::new(Vec::new())));
    let noted = Arc::clone(&free);
    let asking = Asking::new(&left, move |changes| {
        if matches!(changes, [Change::Decision { .. }]) {
            // `adopt` would say what stands in its way if the key was free.
            let said = inside.get().unwrap().adopt("k").map(drop).unwrap_err().to_string();
            noted.lock().unwrap().push(said);
        }
        Ok(())
    });
    let engine = TestEngine::new().store(asking).resumable(&today).build().unwrap();
    assert!(slot.set(engine.clone()).is_ok());
    assert!(within(move || engine.resume().unwrap()).is_empty());
    assert_eq!(state(&left), RunState::NeedsDecision);
    let said = free.lock().unwrap().clone();
    assert!(said.len() == 1 && said[0].contains("is under way"), "{said:?}");
}
