//! What ends a batch, and what its summary says.

use super::*;

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
            seen.open(CANCELLED);
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
fn a_run_that_begins_while_all_are_cancelled_is_cancelled_too() {
    within(|| {
        let (gate, engine) = gated();
        gate.open(CANCELLED);
        let canceller = std::cell::OnceCell::new();
        let input = (0..).inspect(|item| {
            if *item == 1 {
                canceller.get().map(nexus::BatchCanceller::cancel).unwrap();
            }
        });
        let batches = Batch::of(Gated { numbers: vec![] }).over(input).in_flight(2).on(&engine);
        let batches = batches.start().unwrap();
        canceller.set(batches.canceller()).unwrap();
        let summary = batches.finish();
        assert_eq!((summary.succeeded, summary.batches), (0, 2), "{summary}");
    });
}

#[test]
fn dropping_the_results_cancels_what_is_under_way() {
    within(|| {
        let (gate, engine) = gated();
        let opener = Arc::clone(&gate);
        let helper = std::thread::spawn(move || {
            wait_until(|| opener.entered.load(SeqCst) == 3);
            opener.open(0);
        });
        let batches = Batch::of(Gated { numbers: vec![] }).over(0..).in_flight(3).on(&engine);
        let mut batches = batches.start().unwrap();
        batches.next().unwrap().unwrap();
        helper.join().unwrap();
        drop(batches);
        is_idle(&gate, &engine);
        assert_eq!(gate.told.load(SeqCst), 2);
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

/// The first batch is the last to fail.
#[event]
fn always_fails(numbers: &Vec<u64>, gate: State<Arc<Gate>>) -> Outcome<()> {
    wait_until(|| numbers[0] > 0 || gate.open.lock().unwrap().contains(&0));
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
    let (gate, engine) = gated();
    let batches = Batch::of(Fails { numbers: vec![] }).over(0..200).in_flight(4).on(&engine);
    let batches = batches.progress(|so_far| {
        if so_far.batches == 99 {
            gate.open(0);
        }
    });
    let summary = batches.run().unwrap();
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

#[test]
fn a_panic_of_the_input_is_the_callers_and_ends_the_batch() {
    let (gate, engine) = gated();
    let input = (0..).inspect(|item| assert!(*item < 2, "bad input"));
    let batches = Batch::of(Gated { numbers: vec![] }).over(input).in_flight(4).on(&engine);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| batches.run()));
    assert!(result.is_err());
    is_idle(&gate, &engine);
    assert_eq!(gate.told.load(SeqCst), gate.entered.load(SeqCst));
}
