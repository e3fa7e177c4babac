//! Batches: what they pull, in which order results come, what survives a failure, and what ends
//! them.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};

use nexus::prelude::*;
use nexus::testing::TestEngine;
use nexus::{BatchEnd, BatchReport, BatchSummary, Batched, Error};

const PATIENCE: Duration = Duration::from_secs(30);

/// Ends the test with an error instead of never.
fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    let thread = std::thread::spawn(move || send.send(work()));
    match receive.recv_timeout(PATIENCE) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("no end"),
        Err(_) => std::panic::resume_unwind(thread.join().unwrap_err()),
    }
}

fn wait_until(mut there: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !there() {
        assert!(Instant::now() < until, "it never came");
        std::thread::yield_now();
    }
}

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
        .for_each(|it| drop(threads.insert(*it.report.output::<std::thread::ThreadId>().unwrap())))
        .unwrap();
    assert_eq!(summary.succeeded, 500);
    assert!(threads.len() <= 3, "{threads:?}");
    assert!(!threads.contains(&std::thread::current().id()));
}

// Pulling.

#[test]
fn nothing_is_read_before_it_is_asked_for_and_never_more_than_the_window() {
    for (size, in_flight) in [(1, 1), (1, 4), (7, 1), (7, 3)] {
        let pulls = Cell::new(0_u64);
        let endless = std::iter::repeat_with(|| {
            pulls.set(pulls.get() + 1);
            0
        });
        let batches = Batch::of(Sums::new(1)).over(endless).batch_size(size).in_flight(in_flight);
        let mut batches = batches.start().unwrap();
        assert_eq!(pulls.get(), 0);
        for taken in 1..50 {
            batches.next().unwrap().unwrap();
            // What was handed on, and what may be under way beside it.
            let most = (taken - 1 + in_flight as u64) * size as u64;
            assert!((taken * size as u64..=most).contains(&pulls.get()), "{taken} {}", pulls.get());
        }
        let read = pulls.get();
        drop(batches);
        assert_eq!(pulls.get(), read);
    }
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
        if ctx.is_cancelled() {
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
fn is_idle(engine: &Engine) {
    wait_until(|| engine.shutdown(nexus::Shutdown::drain().within(PATIENCE)).is_clean());
}

fn gated() -> (Arc<Gate>, Engine) {
    let gate = Arc::new(Gate::default());
    let engine = Engine::builder().state(Arc::clone(&gate)).build().unwrap();
    (gate, engine)
}

#[test]
fn reports_come_in_order_though_runs_end_in_another() {
    within(|| {
        let (gate, engine) = gated();
        let opener = Arc::clone(&gate);
        let helper = std::thread::spawn(move || {
            wait_until(|| opener.entered.load(SeqCst) == 4);
            // The window is full of what waits for 0, and nothing more begins.
            for number in [3, 2, 1] {
                opener.open(number);
            }
            wait_until(|| opener.left.load(SeqCst) == 3);
            assert_eq!(opener.entered.load(SeqCst), 4);
            (0..8).for_each(|number| opener.open(number));
        });
        let mut seen = Vec::new();
        let batches = Batch::of(Gated { numbers: vec![] }).over(0..8).in_flight(4).on(&engine);
        let summary = batches.for_each(|it| seen.push((it.index, output(&it)))).unwrap();
        helper.join().unwrap();
        assert_eq!(seen, (0..8).map(|it| (it, it)).collect::<Vec<_>>());
        assert_eq!(summary.succeeded, 8);
    });
}

#[test]
fn a_slow_batch_holds_nobody_back_where_only_the_summary_is_wanted() {
    within(|| {
        let (gate, engine) = gated();
        (1..100).for_each(|number| gate.open(number));
        let mut seen = Vec::new();
        let last = Arc::clone(&gate);
        let batches = Batch::of(Gated { numbers: vec![] }).over(0..100).in_flight(2).on(&engine);
        let summary = batches.progress(|it| {
            seen.push(it.items);
            if it.items == 99 {
                last.open(0);
            }
        });
        assert!(summary.run().unwrap().is_success());
        assert_eq!(seen, (1..=100).collect::<Vec<_>>());
    });
}

#[test]
fn a_report_does_not_wait_for_the_window_to_fill_where_the_input_is_slow() {
    within(|| {
        let (gate, engine) = gated();
        (0..9).for_each(|number| gate.open(number));
        let (read, left) = (Cell::new(0), Arc::clone(&gate));
        let slow = (0..9).inspect(|item| {
            read.set(item + 1);
            wait_until(|| *item == 0 || left.left.load(SeqCst) > 0);
            std::thread::sleep(Duration::from_millis(10));
        });
        let batches = Batch::of(Gated { numbers: vec![] }).over(slow).in_flight(9).on(&engine);
        let mut batches = batches.start().unwrap();
        assert_eq!(output(&batches.next().unwrap().unwrap()), 0);
        assert!(read.get() < 9, "{}", read.get());
        assert_eq!(batches.filter(Result::is_ok).count(), 8);
    });
}

// What ends a batch.

fn torn(at: u64) -> impl Iterator<Item = Result<u64, std::num::ParseIntError>> {
    (0..).map(move |item| if item == at { "x".parse() } else { Ok(item) })
}

#[test]
fn an_input_that_breaks_costs_nothing_of_what_came_before() {
    let batches = || Batch::of(Sums::new(1)).try_over(torn(17)).in_flight(4);
    let mut items: Vec<_> = batches().start().unwrap().collect();
    let error = items.pop().unwrap().unwrap_err();
    let expected =
        "item 17 of the input (the first is 0) cannot be read: invalid digit found in string";
    assert_eq!(error.to_string(), expected);
    assert!(std::error::Error::source(&error).is_some());
    let sums: Vec<u64> = items.iter().map(|it| output(it.as_ref().unwrap())).collect();
    assert_eq!(sums, [45, (10..17).sum()]);
    // The other forms have it in the summary.
    let mut count = 0;
    for summary in [batches().run().unwrap(), batches().for_each(|_| count += 1).unwrap()] {
        assert_eq!((summary.batches, summary.items, summary.succeeded), (2, 17, 2));
        assert!(!summary.is_success());
        assert_eq!(summary.error().unwrap().to_string(), expected);
        assert!(summary.to_string().ends_with(&format!("\n  ended early: {expected}")));
        assert!(matches!(summary.ok(), Err(Error::Item { item: 17, .. })));
    }
    assert_eq!(count, 2);
}

#[test]
fn a_failed_run_does_not_stop_the_others_unless_it_is_to() {
    let batches = || Batch::of(Sums::new(1)).over(0..100).in_flight(1);
    let summary = batches().run().unwrap();
    assert_eq!((summary.batches, summary.succeeded, summary.failed), (10, 9, 1));
    assert_eq!((summary.items, summary.failed_items), (100, 10));
    let [failure] = &summary.failures[..] else { panic!("{summary}") };
    assert_eq!((failure.index, failure.items.clone()), (5, 50..60));
    assert_eq!(failure.why, "Sums failed at `sum`: 57 is in it");
    assert!(matches!(summary.end, Some(BatchEnd::Complete)));
    let text = summary.to_string();
    let (head, rest) = text.split_once('\n').unwrap();
    assert!(head.starts_with("Sums: 10 batches, 100 items in "), "{text}");
    let expected = "  9 succeeded, 1 failed; 10 items in batches that did not succeed\n  batch 5 (items 50 to 59): Sums failed at `sum`: 57 is in it";
    assert_eq!(rest, expected);

    let summary = batches().stop_on_failure().run().unwrap();
    assert_eq!((summary.batches, summary.succeeded, summary.failed), (6, 5, 1));
    assert!(matches!(summary.end, Some(BatchEnd::StoppedOnFailure)));
    assert!(
        matches!(summary.ok(), Err(Error::Run(text)) if text.contains("stopped after a failure"))
    );
}

#[test]
fn what_is_under_way_ends_well_when_a_failure_stops_the_batch() {
    within(|| {
        let (gate, engine) = gated();
        let opener = Arc::clone(&gate);
        let batches = Batch::of(GatedOrBad { numbers: vec![] })
            .over(0..)
            .in_flight(3)
            .on(&engine)
            .stop_on_failure()
            .progress(move |so_far| {
                if so_far.failed == 1 {
                    opener.open(0);
                    opener.open(2);
                }
            });
        let summary = batches.run().unwrap();
        assert_eq!((summary.succeeded, summary.failed, summary.batches), (2, 1, 3), "{summary}");
    });
}

#[event]
fn bad(numbers: &Vec<u64>, gate: State<Arc<Gate>>) -> Outcome<()> {
    if numbers[0] == 1 {
        wait_until(|| gate.entered.load(SeqCst) == 2);
        return Outcome::failure("1 is bad");
    }
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = bad (1 -> pass))]
struct GatedOrBad {
    #[field(batch_size = 1)]
    numbers: Vec<u64>,
}

#[test]
fn cancelling_ends_what_is_under_way_and_still_reports_it() {
    within(|| {
        let (gate, engine) = gated();
        gate.open(0);
        let batches = Batch::of(Gated { numbers: vec![] }).over(0..).in_flight(3).on(&engine);
        let mut batches = batches.start().unwrap();
        assert!(batches.next().unwrap().unwrap().report.is_success());
        let canceller = batches.canceller();
        let seen = Arc::clone(&gate);
        let helper = std::thread::spawn(move || {
            wait_until(|| seen.entered.load(SeqCst) == 4);
            canceller.cancel();
        });
        let summary = batches.finish();
        helper.join().unwrap();
        assert_eq!((summary.succeeded, summary.cancelled, summary.batches), (1, 3, 4), "{summary}");
        assert!(matches!(summary.end, Some(BatchEnd::Cancelled)));
        assert!(summary.to_string().ends_with("\n  cancelled"), "{summary}");
        wait_until(|| gate.told.load(SeqCst) == 3);
    });
}

#[test]
fn dropping_the_results_cancels_what_is_under_way() {
    within(|| {
        let (gate, engine) = gated();
        gate.open(0);
        let batches = Batch::of(Gated { numbers: vec![] }).over(0..).in_flight(3).on(&engine);
        let mut batches = batches.start().unwrap();
        batches.next().unwrap().unwrap();
        wait_until(|| gate.entered.load(SeqCst) >= 2);
        drop(batches);
        is_idle(&engine);
        assert_eq!(gate.told.load(SeqCst), gate.entered.load(SeqCst) - 1);
    });
}

#[test]
fn an_engine_that_is_shut_down_ends_the_batch_with_its_results() {
    let engine = Engine::new();
    let other = engine.clone();
    let batches = Batch::of(Sums::new(1)).over(20..).in_flight(1).on(&engine);
    let summary = batches.progress(move |so_far| {
        if so_far.batches == 3 {
            let _ = other.shutdown(nexus::Shutdown::drain());
        }
    });
    let summary = summary.run().unwrap();
    assert_eq!(summary.succeeded, 3);
    assert!(summary.error().unwrap().to_string().contains("shut down"), "{summary}");
}

// Memory.

struct Counted(Arc<AtomicU64>);

impl Counted {
    fn new(alive: &Arc<AtomicU64>) -> Self {
        alive.fetch_add(1, SeqCst);
        Self(Arc::clone(alive))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[event]
fn look(items: &Vec<Counted>) -> Outcome<()> {
    let _ = items;
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = look)]
struct Look {
    #[field(batch_size = 8)]
    items: Vec<Counted>,
}

#[test]
fn no_more_items_are_alive_than_the_window_and_the_batch_that_is_read() {
    let alive = Arc::new(AtomicU64::new(0));
    let most = Cell::new(0);
    let input = std::iter::repeat_with(|| {
        let item = Counted::new(&alive);
        most.set(most.get().max(alive.load(SeqCst)));
        item
    });
    let batches = Batch::of(Look { items: vec![] }).over(input.take(20_000)).in_flight(3);
    let summary = batches.run().unwrap();
    assert_eq!(summary.items, 20_000);
    // Three in flight (the one being read takes the place of a fourth) and no report holds items.
    assert!(most.get() <= 4 * 8, "{}", most.get());
    assert_eq!(alive.load(SeqCst), 0);
}

#[event]
fn always_fails(numbers: &Vec<u64>) -> Outcome<()> {
    let _ = numbers;
    Outcome::failure("no")
}

#[derive(Pipeline)]
#[pipeline(flow = always_fails)]
struct Fails {
    #[field(batch_size = 2)]
    numbers: Vec<u64>,
}

#[test]
fn a_summary_counts_all_failures_and_describes_the_first() {
    let summary = Batch::of(Fails { numbers: vec![] }).over(0..200).in_flight(4).run().unwrap();
    assert_eq!((summary.failed, summary.failed_items), (100, 200));
    let described: Vec<u64> = summary.failures.iter().map(|it| it.index).collect();
    assert_eq!(described, (0..BatchSummary::MOST_FAILURES as u64).collect::<Vec<_>>());
    assert!(summary.to_string().ends_with("\n  and 90 more"), "{summary}");
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["batches"], 100);
    assert_eq!(json["end"], "complete");
    assert_eq!(json["error"], serde_json::Value::Null);
    assert_eq!(json["failures"][3]["first_item"], 6);
    assert_eq!(json["failures"][3]["items"], 2);
    assert_eq!(json["failures"][3]["status"], "failed");
}

// Time.

#[event]
fn takes_time(numbers: &Vec<u64>, clock: State<nexus::testing::VirtualClock>) -> Outcome<()> {
    clock.advance(Duration::from_secs(numbers.len() as u64));
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = takes_time)]
struct Timed {
    #[field(batch_size = 2)]
    numbers: Vec<u64>,
}

#[test]
fn a_summary_says_how_fast_it_was_by_the_engines_clock() {
    let test = TestEngine::new();
    let clock = test.clock();
    let engine = test.state(clock).build().unwrap();
    let batches = Batch::of(Timed { numbers: vec![] }).over(0..10).in_flight(1).on(&engine);
    let summary = batches.run().unwrap();
    assert_eq!(summary.elapsed, Duration::from_secs(10));
    assert!((summary.items_per_second() - 1.0).abs() < 1e-9);
    assert!(summary.to_string().starts_with("Timed: 5 batches, 10 items in 10.0s, 1 items/s"));
}

// Batches inside events.

#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 1, thread_name_prefix: "inner-batch-" })]
fn inner(numbers: &Vec<u64>) -> Outcome<u64> {
    Outcome::success(numbers.iter().sum())
}

#[derive(Pipeline)]
#[pipeline(flow = inner)]
struct Inner {
    #[field(batch_size = 3)]
    numbers: Vec<u64>,
}

/// Sits on the one worker that the inner runs need.
#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 1, thread_name_prefix: "inner-batch-" })]
fn outer(numbers: &Vec<u64>) -> Result<u64, Error> {
    let mut total = 0;
    let batches = Batch::of(Inner { numbers: vec![] }).over(numbers.iter().copied()).in_flight(3);
    batches.for_each(|it| total += output(&it))?.ok()?;
    Ok(total)
}

#[derive(Pipeline)]
#[pipeline(flow = outer)]
struct Outer {
    #[field(batch_size = 30)]
    numbers: Vec<u64>,
}

#[test]
fn a_batch_inside_an_event_takes_no_worker_from_its_runs() {
    within(|| {
        let mut totals = Vec::new();
        let batches = Batch::of(Outer { numbers: (0..90).collect() }).in_flight(2);
        let summary = batches.for_each(|it| totals.push(output(&it))).unwrap();
        assert!(summary.is_success(), "{summary}");
        assert_eq!(totals.iter().sum::<u64>(), (0..90).sum::<u64>());
    });
}

#[event]
fn meet(numbers: &Vec<u64>, barrier: State<Barrier>) -> Outcome<()> {
    let _ = numbers;
    barrier.wait();
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = meet)]
struct Meeting {
    #[field(batch_size = 1)]
    numbers: Vec<u64>,
}

#[test]
fn as_many_runs_are_under_way_as_may_be() {
    within(|| {
        let engine = Engine::builder().state(Barrier::new(5)).build().unwrap();
        let batches = Batch::of(Meeting { numbers: vec![] }).over(0..20).in_flight(5).on(&engine);
        assert_eq!(batches.run().unwrap().succeeded, 20);
    });
}

#[test]
fn a_panic_of_the_input_is_the_callers_and_ends_the_batch() {
    let (gate, engine) = gated();
    let input = (0..).inspect(|item| assert!(*item < 2, "bad input"));
    let batches = Batch::of(Gated { numbers: vec![] }).over(input).in_flight(4).on(&engine);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| batches.run()));
    assert!(result.is_err());
    is_idle(&engine);
    assert_eq!(gate.told.load(SeqCst), gate.entered.load(SeqCst));
}
