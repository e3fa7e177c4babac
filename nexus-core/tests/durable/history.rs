//! What is read of a run from its records alone is what its report says.

use std::sync::Arc;

use nexus_core::journal::{AttemptEnd, HaltCause, History, MemoryStore};
use nexus_core::{
    Bypass, Context, Outcome, Plan, RetryPolicy, StepOutcome, TaskState, UnfinishedTask,
};

use crate::support::{Events, engine, left_at, prepare, records, run};

fn read(store: &MemoryStore) -> History {
    History::read(store, "k").unwrap().unwrap()
}

/// A flow with most of what can become of a step.
fn eventful(events: &mut Events) -> Arc<Plan> {
    let policy = || RetryPolicy::builder().max_attempts(2).backoff_factor(0.5).build();
    let busy = |ctx: &Context| match ctx.attempt() {
        1 => Err(std::io::Error::other("busy")),
        attempt => Ok(attempt),
    };
    events.add("busy", busy).retry_policy(policy());
    events.add("item", busy).retry_policy(policy()).each_of::<u32>();
    events.add("lost", |_| Err::<u32, _>(std::io::Error::other("lost"))).retry_policy(policy());
    events.add("no", |_| Outcome::<u32>::failure("no"));
    events.add("go", |_| Outcome::goto(7, 1_u32));
    events
        .add("skipped", |_| Outcome::success(1_u32))
        .bypass(|_| Bypass::skip_with("a gift", 2_u32));
    events.add("list", |_| Outcome::success(vec![1_u32, 2, 3]));
    events.plan("busy -> lost (0 -> no) -> go (7 -> skipped) -> list |-> item[each]")
}

#[test]
fn each_step_has_the_attempts_waits_and_errors_of_the_report() {
    let mut events = Events::new();
    let plan = eventful(&mut events);
    let store = Arc::new(MemoryStore::new());
    let report = run(&engine(&store, &plan), &plan).unwrap();
    let history = read(&store);
    assert_eq!(history.steps.len(), report.steps().len());
    for (step, of_report) in history.steps.iter().zip(report.steps()) {
        let path = of_report.path();
        assert_eq!((&step.path, &*step.event), (&path, of_report.event()));
        if let StepOutcome::Each { total, .. } = of_report.outcome() {
            let items = step.items.unwrap();
            assert_eq!((items.succeeded, items.failed, items.bypassed), (total, 0, 0));
            assert_eq!(step.attempts.len(), 3, "those that did not succeed");
        } else if let StepOutcome::Bypassed { reason } = of_report.outcome() {
            assert_eq!(step.last().unwrap().ended, AttemptEnd::Bypassed(reason));
        } else {
            let last = step.last().map(|last| last.ended.errors().to_vec()).unwrap_or_default();
            assert_eq!(last, of_report.error_chain(), "{path}");
            let value = of_report.json().map(Result::unwrap);
            assert_eq!(step.value, value, "{path}");
            let waits: Vec<_> =
                step.waits.iter().map(nexus_core::journal::Span::duration).collect();
            assert_eq!(waits, of_report.waits(), "{path}");
        }
        if !matches!(of_report.outcome(), StepOutcome::Bypassed { .. }) {
            assert_eq!(step.ended_attempts, u64::from(of_report.attempts()), "{path}");
        }
    }
}

#[test]
fn a_run_that_is_not_over_has_what_is_recorded_of_it() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a -> a -> a");
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &plan), &plan).unwrap();
    let left = left_at(&store, 2);
    let attempts = |history: &History| -> Vec<u64> {
        history.steps.iter().map(|step| step.ended_attempts).collect()
    };
    let history = read(&left);
    assert_eq!((attempts(&history), history.halted), (vec![1, 1, 0], None));
    let engine = engine(&left, &plan);
    engine.cancel("k").unwrap();
    let history = read(&left);
    assert_eq!(history.halted.unwrap().1, HaltCause::Request);
    assert!(prepare(&engine, &plan).run().is_ok());
    assert!(History::read(&*left, "another").unwrap().is_none());
}

/// Otherwise whoever watches a run sees something else than who comes later.
#[test]
fn a_history_that_is_read_on_is_what_one_that_is_read_at_once_is() {
    let said =
        |history: &History| format!("{:?} {:?} {:?}", history.run, history.steps, history.halted);
    let mut events = Events::new();
    let plan = eventful(&mut events);
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &plan), &plan).unwrap();
    let all = records(&store).len();
    let mut watched = read(&left_at(&store, 0));
    for records in 1..=all {
        let store = left_at(&store, records);
        let now = read(&store);
        watched = watched.refreshed(&*store, now.run.clone()).unwrap();
        assert_eq!(said(&watched), said(&now), "after {records} of {all} records");
    }
    // It goes on from what failed, or is another run with the same key: what was read says nothing then.
    let engine = engine(&store, &plan);
    engine.retry_from("k", "lost").unwrap().wait().unwrap();
    let now = read(&store);
    assert_ne!(now.run.revisions, watched.run.revisions);
    assert_eq!(said(&watched.refreshed(&*store, now.run.clone()).unwrap()), said(&now));
    let (another, other_plan) = (Arc::new(MemoryStore::new()), events.plan("no"));
    run(&self::engine(&another, &other_plan), &other_plan).unwrap();
    let another_now = read(&another);
    let watched = now.refreshed(&*another, another_now.run.clone()).unwrap();
    assert_eq!(said(&watched), said(&another_now));
}

/// Somebody who looks at a run that stands still sees what it stands at.
#[test]
fn what_a_run_waits_for_follows_from_its_records() {
    let mut events = Events::new();
    let policy = RetryPolicy::builder().max_attempts(2).backoff_factor(0.5).build();
    let busy = |ctx: &Context| match ctx.attempt() {
        1 => Err(std::io::Error::other("busy")),
        attempt => Ok(attempt),
    };
    events.add("busy", busy).retry_policy(policy);
    events.add("list", |_| Outcome::success(vec![1_u32, 2]));
    events.add("item", |_| Outcome::success(1_u32)).each_of::<u32>();
    let plan = events.plan("busy -> list |-> item[each, max_concurrency = 2]");
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &plan), &plan).unwrap();
    let calls = events.calls.total();
    let half_a_second = std::time::Duration::from_millis(500);
    let said = |records: usize| -> Vec<String> {
        let tasks = engine(&left_at(&store, records), &plan).unfinished("k").unwrap();
        let state = |task: &UnfinishedTask| match task.state {
            TaskState::Started => "started",
            TaskState::Retrying { until } if until.since(task.since) == half_a_second => "waits",
            _ => "is something else",
        };
        tasks.iter().map(|it| format!("{} {} {}", it.step, it.attempt, state(it))).collect()
    };
    // The items run beside each other, and either may be the first to end.
    let first = records(&store)[4].item.unwrap();
    let other = format!("item[{}] 1 started", 1 - first);
    for (records, expected) in [
        (0, vec!["busy 1 started"]),
        (1, vec!["busy 2 waits"]),
        (2, vec!["busy 2 started"]),
        (3, vec!["list 1 started"]),
        (4, vec!["item[0] 1 started", "item[1] 1 started"]),
        (5, vec![&*other]),
        (6, vec![]),
    ] {
        assert_eq!(said(records), expected, "after {records} records");
    }
    assert_eq!(events.calls.total(), calls, "nothing is invoked");
    assert!(engine(&store, &plan).unfinished("k").unwrap().is_empty(), "it is over");
    assert!(engine(&store, &plan).unfinished("another").is_err());
}
