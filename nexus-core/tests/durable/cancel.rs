//! Cancelling durable runs: under way, left unfinished, and from another process.

use std::sync::{Arc, Mutex, mpsc};

use nexus_core::journal::{Change, MemoryStore, Request, RunState, Store};
use nexus_core::testing::TestEngine;
use nexus_core::{Context, Engine, Inputs, Observer, Outcome, Plan, Shutdown, Status};

use crate::support::{Events, engine, left_at, prepare, records, run, state, within};

#[test]
fn a_run_that_was_left_is_cancelled_where_it_is() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a -> a -> a");
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &plan), &plan).unwrap();
    let left = left_at(&store, 1);
    let engine = engine(&left, &plan);
    assert!(engine.cancel("k").unwrap());
    assert_eq!(state(&left), RunState::Ended(Status::Cancelled));
    assert!(!engine.cancel("k").unwrap());
    assert!(!engine.cancel("another").unwrap());
    let report = engine.report("k").unwrap().unwrap();
    assert_eq!((report.status(), report.step("a").unwrap().attempts()), (Status::Cancelled, 1));
}

/// A plan whose event says that it begins, and ends when it is cancelled.
fn waits(events: &mut Events) -> (Arc<Plan>, mpsc::Receiver<()>) {
    let (send, begun) = mpsc::channel();
    events.add("wait", move |ctx: &Context| {
        let _ = send.send(());
        while !ctx.is_cancelled() {
            std::thread::yield_now();
        }
        Outcome::success(1_u32)
    });
    (events.plan("wait -> wait"), begun)
}

#[test]
fn a_run_under_way_ends_and_stays_ended() {
    let mut events = Events::new();
    let (plan, begun) = waits(&mut events);
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    assert_eq!(handle.key(), Some("k"));
    begun.recv().unwrap();
    assert!(engine.cancel("k").unwrap());
    assert_eq!(handle.wait().unwrap().status(), Status::Cancelled);
    assert_eq!(state(&store), RunState::Ended(Status::Cancelled));
    assert_eq!(run(&engine, &plan).unwrap().status(), Status::Cancelled);
    assert_eq!(events.calls.total(), 1);
}

#[test]
fn another_process_may_ask_for_it() {
    let mut events = Events::new();
    let (plan, begun) = waits(&mut events);
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    begun.recv().unwrap();
    store.request(&Request::Cancel { key: "k".into() }).unwrap();
    assert_eq!(handle.wait().unwrap().status(), Status::Cancelled);
}

/// Tells what is left in the store while a request is being done.
struct Handled {
    store: Arc<MemoryStore>,
    left: Mutex<mpsc::Sender<usize>>,
}

impl Observer for Handled {
    fn request_handled(&self, _: &Request, _: Result<(), &nexus_core::Error>) {
        let _ = self.left.lock().unwrap().send(self.store.requests().unwrap().len());
    }
}

/// Otherwise what somebody has asked for is lost where the owner dies before it is done.
#[test]
fn a_request_stays_in_the_store_until_it_is_done() {
    let store = Arc::new(MemoryStore::new());
    let (left, says) = mpsc::channel();
    let handled = Handled { store: Arc::clone(&store), left: Mutex::new(left) };
    let builder = TestEngine::new().store(Arc::clone(&store)).observer(handled);
    let engine = builder.build().unwrap();
    store.request(&Request::Cancel { key: "nobody".into() }).unwrap();
    engine.resume().unwrap();
    within(move || {
        assert_eq!(says.recv().unwrap(), 1);
        while !store.requests().unwrap().is_empty() {
            std::thread::yield_now();
        }
    });
}

#[test]
fn an_engine_that_is_shut_down_leaves_its_durable_runs_to_be_resumed() {
    let mut events = Events::new();
    let (plan, begun) = waits(&mut events);
    let store = Arc::new(MemoryStore::new());
    let first = engine(&store, &plan);
    let handle = prepare(&first, &plan).start().unwrap();
    begun.recv().unwrap();
    first.shutdown(Shutdown::cancel());
    let error = handle.wait().unwrap_err().to_string();
    assert!(error.contains("`k`") && error.contains("resumed"), "{error}");
    assert_eq!((state(&store), records(&store).len()), (RunState::Unfinished, 0));
    let second = engine(&store, &plan);
    let again = second.resume().unwrap().remove(0);
    begun.recv().unwrap();
    again.cancel();
    assert_eq!(again.wait().unwrap().status(), Status::Cancelled);
}

#[test]
fn what_a_run_said_that_was_cancelled_before_its_first_step_is_what_its_records_say() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let child = events.plan("a -> a");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &child);
    let (send, begun) = mpsc::channel();
    let (inner, plan, said) = (engine.clone(), Arc::clone(&child), Arc::new(Mutex::default()));
    let says = Arc::clone(&said);
    events.add("outer", move |ctx: &Context| {
        let _ = send.send(());
        while !ctx.is_cancelled() {
            std::thread::yield_now();
        }
        *says.lock().unwrap() = run(&inner, &plan).unwrap().to_string();
        Outcome::success(())
    });
    let outer = events.plan("outer");
    let handle = engine.prepare_plan(&outer, Inputs::new()).unwrap().start().unwrap();
    begun.recv().unwrap();
    handle.cancel();
    assert_eq!(handle.wait().unwrap().status(), Status::Cancelled);
    assert_eq!((events.calls.of("a"), state(&store)), (0, RunState::Ended(Status::Cancelled)));
    assert_eq!(*said.lock().unwrap(), engine.report("k").unwrap().unwrap().to_string());
}

#[test]
fn an_engine_that_is_shut_down_leaves_a_run_inside_of_another_to_be_resumed_as_well() {
    let mut events = Events::new();
    let (child, begun) = waits(&mut events);
    let slot: Arc<Mutex<Option<Engine>>> = Arc::default();
    let inner = Arc::clone(&slot);
    events.add("outer", move |_| {
        let engine = inner.lock().unwrap().take().unwrap();
        let child = engine.prepare_plan(&child, Inputs::new()).unwrap().key("child").run();
        Outcome::success(child.is_ok())
    });
    let outer = events.plan("outer");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &outer);
    *slot.lock().unwrap() = Some(engine.clone());
    let handle = prepare(&engine, &outer).start().unwrap();
    begun.recv().unwrap();
    within(move || engine.shutdown(Shutdown::cancel()));
    assert!(handle.wait().is_err());
    let child = store.run("child").unwrap().unwrap();
    assert_eq!((state(&store), child.state), (RunState::Unfinished, RunState::Unfinished));
    // Not even that it was cancelled: that would end it where it is resumed.
    assert_eq!(store.records("child", 0, usize::MAX).unwrap(), []);
}

/// A plan whose event is computed again where its run is brought back, and then waits to be let go.
fn slow_to_bring_back() -> (Events, Arc<Plan>, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let mut events = Events::new();
    let ((send, begun), (end, ended)) = (mpsc::channel(), mpsc::channel::<()>());
    let ended = Mutex::new(ended);
    events
        .add("pure", move |_| {
            let _ = send.send(());
            let _ = ended.lock().unwrap().recv();
            Outcome::success(1_u32)
        })
        .checkpoint(false);
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("pure -> a -> a");
    (events, plan, begun, end)
}

#[test]
fn a_run_that_is_cancelled_while_it_is_brought_back_is_cancelled_then() {
    let (events, plan, begun, end) = slow_to_bring_back();
    let store = Arc::new(MemoryStore::new());
    end.send(()).unwrap();
    run(&engine(&store, &plan), &plan).unwrap();
    begun.recv().unwrap();
    let left = left_at(&store, 2);
    let engine = engine(&left, &plan);
    let (other, before) = (engine.clone(), events.calls.of("a#2"));
    let resumed = std::thread::spawn(move || other.resume().unwrap().remove(0).wait().unwrap());
    begun.recv().unwrap();
    assert!(engine.cancel("k").unwrap());
    end.send(()).unwrap();
    assert_eq!(within(move || resumed.join().unwrap()).status(), Status::Cancelled);
    assert_eq!(
        (state(&left), events.calls.of("a#2")),
        (RunState::Ended(Status::Cancelled), before)
    );
}

#[test]
fn a_run_that_is_cancelled_while_it_cannot_be_brought_back_is_cancelled_all_the_same() {
    let (_, plan, begun, end) = slow_to_bring_back();
    let store = Arc::new(MemoryStore::new());
    end.send(()).unwrap();
    run(&engine(&store, &plan), &plan).unwrap();
    begun.recv().unwrap();
    let left = Arc::new(MemoryStore::new());
    let mut record = records(&store).remove(1);
    record.body = "no JSON".into();
    let start = store.run("k").unwrap().unwrap().start;
    let of = |record| Change::Record { key: "k".into(), record };
    let first = records(&store).remove(0);
    left.commit(&[Change::Start(start), of(first), of(record)]).unwrap();
    let engine = engine(&left, &plan);
    let other = engine.clone();
    let resumed = std::thread::spawn(move || other.resume().unwrap().len());
    begun.recv().unwrap();
    assert!(engine.cancel("k").unwrap());
    end.send(()).unwrap();
    assert_eq!(within(move || resumed.join().unwrap()), 0);
    assert_eq!(state(&left), RunState::Ended(Status::Cancelled));
}
