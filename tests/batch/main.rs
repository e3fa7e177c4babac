//! Batches: what they pull, in which order results come, what survives a failure, and what ends
//! them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

#[path = "../common/mod.rs"]
mod common;
mod ends;
mod pulling;

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::time::Duration;

use common::{TEST_TIMEOUT, wait_until, within};
use nexus::prelude::*;
use nexus::testing::TestEngine;
use nexus::{BatchEnd, BatchReport, BatchSummary, Batched, Error, RunEnd, RunEvent};

/// Refuses batches with a 57 in them.
#[event]
fn sum(numbers: &Vec<u64>) -> Outcome<u64> {
    if numbers.contains(&57) {
        return Outcome::failure("57 is in it");
    }
    Outcome::success(numbers.iter().sum())
}

#[event]
fn scale(#[piped] sum: Result<u64, Failure>, factor: u64) -> Outcome<u64> {
    Outcome::success(sum.unwrap_or(0) * factor)
}

#[derive(Pipeline, Clone)]
#[pipeline(flow = sum |-> scale)]
struct Sums {
    #[field(default, batch_size = 10)]
    numbers: Vec<u64>,
    factor: u64,
}

fn output(batch: &BatchReport) -> u64 {
    *batch.report.output().unwrap()
}

#[test]
fn the_size_on_the_field_cuts_the_input_and_the_rest_stays_the_same() {
    let batches = Batch::of(Sums::new(2)).over(0..25).start().unwrap();
    let batches: Vec<_> = batches.map(Result::unwrap).collect();
    let seen: Vec<_> = batches.iter().map(|it| (it.index, it.items.clone(), output(it))).collect();
    assert_eq!(seen, [(0, 0..10, 90), (1, 10..20, 290), (2, 20..25, 220)]);
    assert_eq!(<Sums as Batched>::SIZE, 10);
    assert_eq!(<Sums as Batched>::FIELD, "numbers");
}

#[test]
fn the_templates_own_items_are_the_input_where_no_other_is_given() {
    let template = Sums { numbers: (0..25).collect(), factor: 1 };
    let mut sums = Vec::new();
    let summary = Batch::of(template).batch_size(20).for_each(|it| sums.push(output(&it))).unwrap();
    assert_eq!(sums, [190, 110]);
    assert!(summary.is_success());
    let template = Sums { numbers: vec![1], factor: 1 };
    let error = Batch::of(template).over([2]).run().unwrap_err().to_string();
    let expected =
        "`Sums` has items in `numbers`, and was given another input: leave the field empty";
    assert_eq!(error, expected);
}

#[test]
fn no_items_make_no_run() {
    let summary = Batch::of(Sums::new(1)).run().unwrap();
    assert_eq!((summary.batches, summary.items), (0, 0));
    assert!(summary.is_success());
}

#[test]
fn settings_of_0_are_refused() {
    let error = Batch::of(Sums::new(1)).batch_size(0).run().unwrap_err().to_string();
    assert_eq!(error, "`batch_size` is 0: it takes a number from 1 up");
    let error = Batch::of(Sums::new(1)).in_flight(0).run().unwrap_err().to_string();
    assert_eq!(error, "`in_flight` is 0: it takes a number from 1 up");
}

#[event]
fn needs_state(numbers: &Vec<u64>, state: State<Mutex<Vec<u64>>>) -> Outcome<()> {
    state.lock().unwrap().push(numbers[0]);
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = needs_state)]
struct NeedsState {
    #[field(batch_size = 1)]
    numbers: Vec<u64>,
}

#[test]
fn a_missing_state_is_told_before_the_input_is_touched() {
    let input = std::iter::from_fn(|| -> Option<u64> { panic!("read") });
    let error = Batch::of(NeedsState { numbers: vec![] }).over(input).run().unwrap_err();
    assert!(matches!(error, Error::MissingState { .. }), "{error}");
}

#[test]
fn one_at_a_time_is_a_loop_on_this_thread() {
    let engine = Engine::builder().state(Mutex::<Vec<u64>>::default()).build().unwrap();
    let batches = Batch::of(NeedsState { numbers: vec![] }).over(0..5).in_flight(1).on(&engine);
    assert!(batches.run().unwrap().is_success());
    let threads = Batch::of(Where { rows: vec![] }).over(0..5).in_flight(1).start().unwrap();
    for batch in threads {
        let id: &std::thread::ThreadId = batch.as_ref().unwrap().report.output().unwrap();
        assert_eq!(*id, std::thread::current().id());
    }
}

#[event]
fn thread(rows: &Vec<u64>) -> Outcome<std::thread::ThreadId> {
    let _ = rows;
    Outcome::success(std::thread::current().id())
}

#[derive(Pipeline)]
#[pipeline(flow = thread)]
struct Where {
    #[field(batch_size = 1)]
    rows: Vec<u64>,
}

#[test]
fn batches_share_a_few_threads() {
    let mut threads = HashSet::new();
    let batches = Batch::of(Where { rows: vec![] }).over(0..500).in_flight(3);
    let summary = batches
        .for_each(|it| {
            threads.insert(*it.report.output::<std::thread::ThreadId>().unwrap());
        })
        .unwrap();
    assert_eq!(summary.succeeded, 500);
    assert!(threads.len() <= 3, "{threads:?}");
    assert!(!threads.contains(&std::thread::current().id()));
}

/// Lets runs through only when they are told to.
#[derive(Default)]
struct Gate {
    open: Mutex<HashSet<u64>>,
    changed: Condvar,
    entered: AtomicUsize,
    left: AtomicUsize,
    told: AtomicUsize,
}

/// The gate that opens when all that was under way has been cancelled.
const CANCELLED: u64 = u64::MAX;

impl Gate {
    fn open(&self, number: u64) {
        self.open.lock().unwrap().insert(number);
        self.changed.notify_all();
    }
}

/// Waits for its gate; gives up if the run is cancelled.
#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 4 })]
fn pass(numbers: &Vec<u64>, gate: State<Arc<Gate>>, ctx: &Context) -> Outcome<u64> {
    gate.entered.fetch_add(1, SeqCst);
    let mut open = gate.open.lock().unwrap();
    while !open.contains(&numbers[0]) {
        // A body that hears of it may return before the run does: then it is the body that ended
        // it.
        if ctx.is_cancelled() && open.contains(&CANCELLED) {
            gate.told.fetch_add(1, SeqCst);
            return Outcome::failure("cancelled");
        }
        open = gate.changed.wait_timeout(open, Duration::from_millis(1)).unwrap().0;
    }
    gate.left.fetch_add(1, SeqCst);
    Outcome::success(numbers[0])
}

#[derive(Pipeline)]
#[pipeline(flow = pass)]
struct Gated {
    #[field(batch_size = 1)]
    numbers: Vec<u64>,
}

/// No run is left behind, and no body.
fn is_idle(gate: &Gate, engine: &Engine) {
    gate.open(CANCELLED);
    wait_until(|| engine.shutdown(nexus::Shutdown::drain().within(TEST_TIMEOUT)).is_clean());
}

fn gated() -> (Arc<Gate>, Engine) {
    let gate = Arc::new(Gate::default());
    let engine = Engine::builder().state(Arc::clone(&gate)).build().unwrap();
    (gate, engine)
}

#[test]
fn the_field_says_what_an_input_is_parsed_to() {
    let lines = "1\n2\n3".lines().map(|line| line.parse().unwrap());
    assert_eq!(Batch::of(Sums::new(2)).over(lines).run().unwrap().items, 3);
    let none = Batch::of(Sums::new(2)).over(std::iter::empty()).run().unwrap();
    assert_eq!(none.items, 0);
    let defaults = (0..4).map(|_| Default::default());
    assert_eq!(Batch::of(Sums::new(2)).over(defaults).run().unwrap().items, 4);
}
