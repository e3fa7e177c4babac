//! D6: records that do not fit the flow of today. Such a run is listed with the reason, nothing of it
//! is invoked, and it keeps no other from going on.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use nexus_core::journal::{Change, MemoryStore, Record, RecordKind, RunState, Store};
use nexus_core::testing::TestEngine;
use nexus_core::{
    ConfigError, Executor, ExecutorInitializerConfig, Job, Outcome, Plan, RetryPolicy,
};

use crate::support::{Asking, Events, engine, left_at, records, run, state, within};

/// A run like `k` of the store, with these records of its first step instead.
fn with_records(store: &MemoryStore, records: &[(RecordKind, u32, &str)]) -> Arc<MemoryStore> {
    let left = MemoryStore::new();
    let start = store.run("k").unwrap().unwrap().start;
    let (key, at) = (Arc::clone(&start.key), start.at);
    let mut changes = vec![Change::Start(start)];
    for (seq, (kind, attempt, body)) in (1..).zip(records) {
        let (kind, attempt, body) = (*kind, *attempt, (*body).to_owned());
        let record = Record { seq, at, kind, step: Some(0), attempt, item: None, body };
        changes.push(Change::Record { key: Arc::clone(&key), record });
    }
    left.commit(&changes).unwrap();
    Arc::new(left)
}

/// Resumes what the store has, of which nothing goes on; gives the reason.
fn reason(left: &Arc<MemoryStore>, plan: &Arc<Plan>) -> String {
    let engine = engine(left, plan);
    assert!(within(move || engine.resume().unwrap()).is_empty());
    let stored = left.run("k").unwrap().unwrap();
    assert_eq!(stored.state, RunState::NeedsDecision);
    stored.reason.unwrap()
}

#[test]
fn a_policy_that_changed_between_two_builds_needs_a_decision() {
    let build = |attempts| {
        let mut events = Events::new();
        let policy = RetryPolicy::builder().max_attempts(attempts).backoff_factor(1.0).build();
        events
            .add("charge", |ctx| match ctx.attempt() {
                1 => Err(std::io::Error::other("busy")),
                attempt => Ok(attempt),
            })
            .retry_policy(policy);
        events.add("ship", |_| Outcome::success(1_u32));
        let plan = events.plan("charge -> ship");
        (events, plan)
    };
    let (_, old) = build(3);
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &old), &old).unwrap();
    // Charged at the second attempt, not shipped yet.
    let left = left_at(&store, records(&store).len() - 1);
    let (events, new) = build(1);
    let why = reason(&left, &new);
    assert!(why.contains("attempt 2 of `charge`"), "{why}");
    assert_eq!(events.calls.total(), 0);
    // With the policy that it began with, it goes on.
    let (events, old) = build(3);
    let engine = engine(&left, &old);
    let report = within(move || engine.resume().unwrap().remove(0).wait().unwrap());
    assert!(report.is_success());
    assert_eq!((events.calls.of("charge"), events.calls.of("ship")), (0, 1));
}

#[test]
fn retry_if_is_asked_once_about_each_exception_and_its_record_says_what_it_answered() {
    let mut events = Events::new();
    // It changes its mind each time that it is asked.
    let asked = Arc::new(AtomicU32::new(0));
    let counts = Arc::clone(&asked);
    let policy = RetryPolicy::builder()
        .max_attempts(5)
        .backoff_factor(1.0)
        .retry_if(move |_: &std::io::Error| counts.fetch_add(1, SeqCst).is_multiple_of(2))
        .build();
    events.add("a", |_| Err::<u32, _>(std::io::Error::other("busy"))).retry_policy(policy);
    let plan = events.plan("a");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let live = run(&engine, &plan).unwrap();
    assert_eq!((live.step("a").unwrap().attempts(), asked.load(SeqCst)), (2, 2));
    let (kept, calls) = (records(&store), events.calls.total());
    let again = within(move || run(&engine, &plan).unwrap());
    assert_eq!(again.to_string(), live.to_string());
    assert_eq!((records(&store), events.calls.total(), asked.load(SeqCst)), (kept, calls, 2));
}

#[test]
fn a_record_of_what_was_never_asked_for_is_the_matter_of_its_run() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a");
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &plan), &plan).unwrap();
    let ended = records(&store)[0].body.clone();
    for records in [
        [(RecordKind::Woken, 2, "")].as_slice(),
        &[(RecordKind::Checked, 1, "{}")],
        &[(RecordKind::TimedOut, 7, "{}")],
        &[(RecordKind::Completed, 1, &ended), (RecordKind::Completed, 1, &ended)],
    ] {
        let why = reason(&with_records(&store, records), &plan);
        assert!(why.contains(&format!("record {}", records.len())), "{why}");
        assert!(why.contains("of `a` is none that the flow of today makes"), "{why}");
    }
    assert_eq!(events.calls.total(), 1);
}

#[test]
fn a_value_that_the_type_of_today_cannot_be_read_from_needs_a_decision() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let plan = events.plan("a -> a");
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &plan), &plan).unwrap();
    let body = records(&store)[0].body.replace('1', "\"one\"");
    let left = with_records(&store, &[(RecordKind::Completed, 1, &body)]);
    let why = reason(&left, &plan);
    assert!(why.contains("record 1") && why.contains("one"), "{why}");
    let refused = run(&engine(&left, &plan), &plan).unwrap_err().to_string();
    assert!(refused.contains("record 1"), "{refused}");
    assert_eq!(events.calls.total(), 2);
}

#[test]
fn an_attempt_that_ended_after_its_timeout_was_recorded_is_no_drift() {
    let mut events = Events::new();
    let policy = RetryPolicy::builder().max_attempts(3).backoff_factor(1.0).build();
    events
        .add("a", |_| Outcome::success(1_u32))
        .timeout(Duration::from_hours(1))
        .retry_policy(policy);
    let plan = events.plan("a");
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &plan), &plan).unwrap();
    let ended = records(&store)[0].body.clone();
    let left = with_records(
        &store,
        &[(RecordKind::TimedOut, 1, "{}"), (RecordKind::Completed, 1, &ended)],
    );
    let engine = engine(&left, &plan);
    let report = within(move || engine.resume().unwrap().remove(0).wait().unwrap());
    assert!(report.is_success());
    assert_eq!(report.step("a").unwrap().attempts(), 2);
}

#[test]
fn a_run_that_can_go_on_again_has_no_reason_any_more_whoever_goes_on_with_it() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    let (old, new) = (events.plan("a -> a"), events.plan("a -> a -> a"));
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &old), &old).unwrap();
    for resumes in [true, false] {
        let left = left_at(&store, 1);
        assert!(reason(&left, &new).contains("its flow has changed"));
        // What is written of it, in order: that it goes on comes before what it does.
        let (send, written) = mpsc::channel();
        let noting = Asking::new(&left, move |changes| {
            for change in changes {
                send.send(change.clone()).unwrap();
            }
            Ok(())
        });
        let engine = TestEngine::new().store(noting).resumable(&old).build().unwrap();
        let plan = Arc::clone(&old);
        let report = within(move || {
            if resumes {
                engine.resume().unwrap().remove(0).wait().unwrap()
            } else {
                run(&engine, &plan).unwrap()
            }
        });
        assert!(report.is_success());
        assert!(matches!(written.recv().unwrap(), Change::Decision { reason: None, .. }));
        let written: Vec<Change> = written.try_iter().collect();
        assert!(matches!(&written[..], [Change::Record { .. }, Change::End { .. }]), "{written:?}");
        let stored = left.run("k").unwrap().unwrap();
        assert_eq!((stored.state, stored.reason), (RunState::Ended(report.status()), None));
    }
}

/// An executor for which this machine lacks something.
#[derive(Debug)]
struct Unavailable;

impl Executor for Unavailable {
    fn from_config(_: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        Err(ConfigError::Other("the machine has no GPU".to_owned()))
    }
    fn submit(&self, _: Job) {}
}

#[test]
fn a_run_whose_executor_cannot_be_set_up_keeps_no_other_from_going_on() {
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    events.add("gpu", |_| Outcome::success(1_u32)).executor::<Unavailable>();
    let (plan, bad) = (events.plan("a"), events.plan("gpu"));
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, &plan), &plan).unwrap();
    let start = store.run("k").unwrap().unwrap().start;
    let mut flow = (*start.flow).clone();
    flow.script = bad.script();
    (flow.steps[0].event, flow.steps[0].path) = ("gpu".into(), "gpu".into());
    let mut other = start.clone();
    (other.key, other.flow) = ("bad".into(), Arc::new(flow));
    // Both orders: runs that began last are resumed first.
    for later in [true, false] {
        let left = Arc::new(MemoryStore::new());
        other.at.0 = if later { start.at.0 + 1 } else { start.at.0 - 1 };
        left.commit(&[Change::Start(start.clone()), Change::Start(other.clone())]).unwrap();
        let engine = TestEngine::new().store(Arc::clone(&left)).resumable(&plan).resumable(&bad);
        let mut resumed = engine.build().unwrap().resume().unwrap();
        assert!(resumed.remove(0).wait().unwrap().is_success());
        assert!(resumed.is_empty());
        assert!(matches!(state(&left), RunState::Ended(_)));
        let listed = left.run("bad").unwrap().unwrap();
        assert_eq!(listed.state, RunState::NeedsDecision);
        assert!(listed.reason.unwrap().contains("the machine has no GPU"));
    }
}
