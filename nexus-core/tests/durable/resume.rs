//! D2, D5: a run goes on from any of its records.

use std::sync::Arc;
use std::time::Duration;

use nexus_core::journal::{MemoryStore, RecordKind, RunQuery, RunState, Store};
use nexus_core::testing::TestEngine;
use nexus_core::{Bypass, Outcome, Plan, Report, RetryPolicy, Status};

use crate::support::{Calls, Events, engine, left_at, prepare, records, run};

/// What a report says, but for times of day.
fn said(report: &Report) -> serde_json::Value {
    let mut json = serde_json::to_value(report).unwrap();
    json.as_object_mut().unwrap().remove("elapsed_seconds");
    json
}

/// Leaves the run at each of its records and goes on; the end is always the same, and no recorded
/// attempt is invoked again.
fn goes_on_from_anywhere(events: &Events, plan: &Arc<Plan>) -> usize {
    let store = Arc::new(MemoryStore::new());
    let whole = run(&engine(&store, plan), plan).unwrap();
    let (all, calls) = (records(&store), events.calls.total());
    for safe in 0..=all.len() {
        let left = left_at(&store, safe);
        let engine = engine(&left, plan);
        let mut resumed = engine.resume().unwrap();
        assert_eq!(resumed.len(), 1);
        let before = events.calls.total();
        let report = resumed.remove(0).wait().unwrap();
        assert_eq!(said(&report), said(&whole), "left at {safe} of {}", all.len());
        let ended = all[..safe].iter().filter(|record| record.kind == RecordKind::Completed);
        let (again, recorded) = (events.calls.total() - before, ended.count());
        // `resume` may have begun before `before` was read.
        assert!(again as usize <= calls as usize - recorded, "{again} calls, {recorded} recorded");
        let runs = engine.runs(&RunQuery::all()).unwrap();
        assert_eq!(runs[0].state, RunState::Ended(whole.status()));
        assert!(engine.resume().unwrap().is_empty());
    }
    all.len()
}

#[test]
fn a_chain() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    events.add("b", |ctx| {
        Outcome::success(ctx.previous().iter().filter_map(|it| it.value::<u32>()).sum::<u32>() + 1)
    });
    let plan = events.plan("a |-> b |-> b |-> b");
    assert_eq!(goes_on_from_anywhere(&events, &plan), 4);
}

#[test]
fn groups_branches_bypasses_and_failures() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    events.add("no", |_| Outcome::<u32>::failure("not today"));
    events.add("go", |_| Outcome::goto(7, 3_u32));
    events.add("skip", |_| Outcome::success(9_u32)).bypass(|_| Bypass::skip_with("old", 5_u32));
    let plan = events.plan("a || no (0 |-> a) || skip -> go (7 |-> a -> skip, 1 -> no)");
    goes_on_from_anywhere(&events, &plan);
}

#[test]
fn each_item_of_a_list() {
    let mut events = Events::new();
    events.add("list", |_| Outcome::success((0..20).collect::<Vec<u32>>()));
    events
        .add("square", |ctx| {
            let number = ctx.previous()[0].value::<u32>().copied().unwrap_or(0);
            if number == 7 { Outcome::failure("seven") } else { Outcome::success(number * number) }
        })
        .each_of::<u32>();
    let plan = events.plan(
        "list |-> square[each, max_concurrency = 3, execution_evaluation_state = SuccessForPartialSuccess]",
    );
    goes_on_from_anywhere(&events, &plan);
}

#[test]
fn retries_keep_their_attempts_and_their_waits() {
    let mut events = Events::new();
    let policy = RetryPolicy::builder().max_attempts(4).backoff_factor(2.0).build();
    events
        .add("busy", |ctx| match ctx.attempt() {
            3 => Ok(ctx.attempt()),
            _ => Err(std::io::Error::other("busy")),
        })
        .retry_policy(policy);
    let plan = events.plan("busy");
    // Three ends and two waits.
    assert_eq!(goes_on_from_anywhere(&events, &plan), 5);
}

#[test]
fn a_wait_goes_on_for_what_is_left_of_it() {
    let mut events = Events::new();
    let policy = RetryPolicy::builder().max_attempts(2).backoff_factor(60.0).build();
    events
        .add("busy", |ctx| match ctx.attempt() {
            1 => Err(std::io::Error::other("busy")),
            attempt => Ok(attempt),
        })
        .retry_policy(policy);
    let plan = events.plan("busy");
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &plan), &plan).unwrap();
    let left = left_at(&store, 1);
    for (away, waits) in [(0, 60), (45, 15), (3600, 0)] {
        let clock = TestEngine::new();
        clock.clock().advance(Duration::from_secs(away));
        let engine = clock.store(left_at(&left, 1)).resumable(&plan).build().unwrap();
        let report = engine.resume().unwrap().remove(0).wait().unwrap();
        assert_eq!(report.elapsed(), Duration::from_secs(away + waits));
    }
}

/// Goes on with what was left at so many records, so long after the last of them.
fn resumed_after(
    store: &MemoryStore,
    safe: usize,
    away: Duration,
    plan: &Arc<Plan>,
) -> (Duration, Report) {
    let left = left_at(store, safe);
    let began = store.run("k").unwrap().unwrap().start.at;
    let last = records(&left).last().map_or(began, |record| record.at);
    let (test, at) = (TestEngine::new(), last.since(began) + away);
    test.clock().advance(at);
    let engine = test.store(left).resumable(plan).build().unwrap();
    (at, engine.resume().unwrap().remove(0).wait().unwrap())
}

#[test]
fn the_time_that_all_attempts_may_take_counts_from_the_first_attempt() {
    let mut events = Events::new();
    let policy = RetryPolicy::builder()
        .max_attempts(50)
        .backoff_factor(60.0)
        .max_backoff(60.0)
        .max_elapsed(Duration::from_secs(200))
        .build();
    events.add("a", |_| Err::<u32, _>(std::io::Error::other("busy"))).retry_policy(policy);
    let plan = events.plan("a");
    let store = Arc::new(MemoryStore::new());
    let whole = run(&engine(&store, &plan), &plan).unwrap();
    assert_eq!(whole.elapsed(), Duration::from_secs(200));
    for safe in 0..records(&store).len() {
        let (_, report) = resumed_after(&store, safe, Duration::ZERO, &plan);
        assert_eq!(said(&report), said(&whole), "left at {safe}");
        assert_eq!(report.elapsed(), whole.elapsed(), "left at {safe}");
    }
}

#[test]
fn the_deadline_of_a_run_counts_from_its_first_start() {
    let mut events = Events::new();
    let quarters = |n: u64| Duration::from_mins(15 * n);
    let policy = RetryPolicy::builder()
        .max_attempts(9)
        .backoff_factor(45.0 * 60.0)
        .max_backoff(45.0 * 60.0)
        .build();
    events.add("a", |_| Outcome::success(1_u32));
    events.add("busy", |_| Err::<u32, _>(std::io::Error::other("busy"))).retry_policy(policy);
    let plan = events.plan("a -> busy");
    let store = Arc::new(MemoryStore::new());
    let prepared = prepare(&engine(&store, &plan), &plan).timeout(quarters(4));
    let whole = prepared.run().unwrap();
    assert_eq!((whole.status(), whole.elapsed()), (Status::TimedOut, quarters(4)));
    let all = records(&store).len();
    for (safe, away) in (0..=all).flat_map(|safe| [0, 2, 9].map(|n| (safe, quarters(n)))) {
        let before = events.calls.total();
        let (at, report) = resumed_after(&store, safe, away, &plan);
        if at >= quarters(4) {
            assert_eq!(events.calls.total(), before, "nothing starts when the time is over");
        }
        let case = format!("left at {safe} of {all}, resumed at {at:?}");
        assert_eq!(report.status(), Status::TimedOut, "{case}");
        assert_eq!(report.elapsed(), at.max(quarters(4)), "{case}");
    }
}

#[test]
fn a_run_whose_flow_has_changed_waits_for_a_decision_and_keeps_no_other_from_going_on() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let (old, new) = (events.plan("a -> a"), events.plan("a -> a -> a"));
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &old), &old).unwrap();
    let left = left_at(&store, 1);
    let engine = engine(&left, &new);
    assert!(engine.resume().unwrap().is_empty());
    let runs = engine.runs(&RunQuery::all()).unwrap();
    assert_eq!(runs[0].state, RunState::NeedsDecision);
    let why = runs[0].reason.as_deref().unwrap();
    assert!(why.contains("then: a -> a\n") && why.contains("now:  a -> a -> a"), "{why}");
    let calls: &Calls = &events.calls;
    assert_eq!(calls.of("a"), 1);
    assert_eq!(Status::Succeeded.name(), "succeeded");
}
