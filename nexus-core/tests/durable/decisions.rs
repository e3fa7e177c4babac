//! D6: a run whose flow has changed waits until somebody decides: to go on with the flow of today, to
//! begin again, or to give it up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nexus_core::journal::{MemoryStore, RecordKind, Request, RunState, Store};
use nexus_core::testing::TestEngine;
use nexus_core::{Engine, Outcome, Plan, Status};

use crate::support::{self, Events, engine, kinds, left_at, prepare, records, run, state, within};

/// What is left of a run of `old` when so many of its records are safe.
fn left(old: &Arc<Plan>, safe: usize) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    run(&engine(&store, old), old).unwrap();
    left_at(&store, safe)
}

/// An engine for which `k` needs a decision, and the reason.
fn undecided(left: &Arc<MemoryStore>, today: &Arc<Plan>) -> (Engine, String) {
    let engine = engine(left, today);
    assert!(engine.resume().unwrap().is_empty());
    assert_eq!(state(left), RunState::NeedsDecision);
    (engine, left.run("k").unwrap().unwrap().reason.unwrap())
}

/// Events that yield their idempotency keys.
fn events() -> Events {
    let mut events = Events::new();
    for name in ["a", "b", "c", "d"] {
        events.add(name, |ctx| Outcome::success(ctx.idempotency_key()));
    }
    events
}

#[test]
fn a_run_goes_on_with_the_flow_of_today_where_what_is_recorded_still_stands() {
    for (then, safe, now, again) in [
        // A step behind what is recorded, and one between it and what was next.
        ("a -> b", 1, "a -> b -> c", ["b", "c"].as_slice()),
        ("a -> b", 1, "a -> d -> b", &["d", "b"]),
        // One before it in the script: the numbers of the recorded steps are others.
        ("a || c -> d", 2, "a || b || c -> d", &["b", "d"]),
        ("a -> c", 0, "d -> a", &["d", "a"]),
        // One that is gone, and was not reached.
        ("a -> b -> c", 1, "a -> c", &["c"]),
    ] {
        let old = events();
        let left = left(&old.plan(then), safe);
        let events = events();
        let today = events.plan(now);
        let (engine, reason) = undecided(&left, &today);
        assert!(reason.contains(&format!("then: {then}\n  now:  {now}")), "{reason}");
        let report = engine.adopt("k").unwrap().wait().unwrap();
        assert!(report.is_success(), "{now}: {report}");
        let invoked = again.iter().map(|name| events.calls.of(name)).sum::<u32>();
        assert_eq!((invoked, events.calls.total() as usize), (again.len() as u32, again.len()));
        let stored = left.run("k").unwrap().unwrap();
        assert_eq!((stored.state, stored.reason), (RunState::Ended(Status::Succeeded), None));
        // Nothing of the past has changed.
        assert_eq!(stored.start.flow.script, then);
        assert_eq!(records(&left)[safe].kind, RecordKind::Adopted);
        // The same from the records alone, in another process, and when it is asked for again.
        let again = support::engine(&left, &today).report("k").unwrap().unwrap();
        assert_eq!(again.to_string(), report.to_string());
        assert!(run(&support::engine(&left, &today), &today).unwrap().is_success());
        assert_eq!(events.calls.total() as usize, invoked as usize);
        // It goes on from any record after the decision.
        for safe in safe + 1..=records(&left).len() {
            let again = support::engine(&left_at(&left, safe), &today);
            let report = again.resume().unwrap().remove(0).wait().unwrap();
            assert!(report.is_success(), "left at {safe}");
        }
    }
}

#[test]
fn a_recorded_step_that_no_longer_stands_is_named_and_the_run_stays_as_it_is() {
    for (then, safe, now, named) in [
        ("a -> b -> c", 2, "a -> c", "record 2: it is about `b`"),
        ("a -> b -> c", 2, "a -> d -> b -> c", "record 2: attempt 1 of `b`"),
    ] {
        let left = left(&events().plan(then), safe);
        let events = events();
        let today = events.plan(now);
        let (engine, reason) = undecided(&left, &today);
        let kept = records(&left);
        let refused = engine.adopt("k").unwrap_err().to_string();
        assert!(refused.contains(named), "{refused}");
        let stored = left.run("k").unwrap().unwrap();
        assert_eq!((stored.state, stored.reason), (RunState::NeedsDecision, Some(reason)));
        assert_eq!((records(&left), events.calls.total()), (kept, 0));
    }
}

#[test]
fn a_value_that_cannot_be_read_as_what_its_event_yields_today_is_named() {
    let left = left(&events().plan("a -> b"), 1);
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    events.add("b", |_| Outcome::success(1_u32));
    let today = events.plan("a -> b");
    let (engine, reason) = undecided(&left, &today);
    assert!(reason.contains("record 1"), "{reason}");
    let refused = engine.adopt("k").unwrap_err().to_string();
    assert!(refused.contains("record 1"), "{refused}");
    assert_eq!(events.calls.total(), 0);
    assert!(engine.restart("k").unwrap().wait().unwrap().is_success());
}

#[test]
fn a_run_begins_again_with_what_it_was_given_and_its_history_stays() {
    let old = events();
    let before = left(&old.plan("a -> b -> c"), 2);
    let history = records(&before);
    let events = events();
    let today = events.plan("a -> c");
    let (engine, _) = undecided(&before, &today);
    let report = engine.restart("k").unwrap().wait().unwrap();
    assert!(report.is_success());
    assert_eq!((events.calls.of("a"), events.calls.of("c")), (1, 1));
    assert_eq!(records(&before)[..2], history);
    let expected = [RecordKind::Restarted, RecordKind::Completed, RecordKind::Completed];
    assert!(kinds(&before)[2..].iter().map(|(kind, _)| *kind).eq(expected));
    // Who was told the key of `a` before is told the same again.
    let said = |at: usize| records(&before)[at].body.split("\"busy\"").next().unwrap().to_owned();
    assert_eq!(said(0), said(3));
    assert_eq!(engine.report("k").unwrap().unwrap().to_string(), report.to_string());
    for safe in 3..=records(&before).len() {
        let again = support::engine(&left_at(&before, safe), &today);
        assert!(again.resume().unwrap().remove(0).wait().unwrap().is_success());
    }
    assert_eq!(events.calls.total(), 2 + 2 + 1);
}

#[test]
fn the_timeout_of_a_run_that_begins_again_counts_from_there() {
    let events = events();
    let (old, today) = (events.plan("a -> b"), events.plan("a -> c"));
    let store = Arc::new(MemoryStore::new());
    prepare(&engine(&store, &old), &old).timeout(Duration::from_mins(1)).run().unwrap();
    for (begins_again, status) in [(true, Status::Succeeded), (false, Status::TimedOut)] {
        let test = TestEngine::new();
        test.clock().advance(Duration::from_hours(1));
        let left = left_at(&store, 1);
        let engine = test.store(Arc::clone(&left)).resumable(&today).build().unwrap();
        assert!(engine.resume().unwrap().is_empty());
        let handle = if begins_again { engine.restart("k") } else { engine.adopt("k") };
        assert_eq!(handle.unwrap().wait().unwrap().status(), status);
    }
}

#[test]
fn a_run_that_is_given_up_ends_as_cancelled_and_says_why_it_could_not_go_on() {
    let left = left(&events().plan("a -> b"), 1);
    let events = events();
    let (engine, reason) = undecided(&left, &events.plan("a -> c"));
    engine.abandon("k").unwrap();
    let stored = left.run("k").unwrap().unwrap();
    assert_eq!((stored.state, stored.reason), (RunState::Ended(Status::Cancelled), Some(reason)));
    assert!(engine.resume().unwrap().is_empty());
    assert_eq!(events.calls.total(), 0);
}

/// Events of which some have another version or yield another type.
fn changed(version: impl Fn(&str) -> u32) -> Events {
    let mut events = Events::new();
    for name in ["a", "b", "c"] {
        events.add(name, |_| Outcome::success(String::from("text"))).version(version(name));
    }
    events
}

#[test]
fn an_event_with_another_version_needs_a_decision_only_as_long_as_the_run_needs_the_event() {
    let old = changed(|_| 1).plan("a -> b -> c");
    for (safe, event, needed) in [(0, "a", true), (1, "a", false), (1, "b", true), (2, "b", false)]
    {
        let left = left(&old, safe);
        let events = changed(|name| if name == event { 2 } else { 1 });
        let today = events.plan("a -> b -> c");
        if needed {
            let (engine, reason) = undecided(&left, &today);
            let changed = format!("`{event}` had version 1 then, and has 2 now");
            assert!(reason.contains(&changed), "{reason}");
            assert!(engine.adopt("k").unwrap().wait().unwrap().is_success());
        } else {
            let resumed = engine(&left, &today).resume().unwrap().remove(0);
            assert!(resumed.wait().unwrap().is_success());
        }
        assert_eq!(events.calls.total() as usize, 3 - safe);
    }
}

#[test]
fn an_event_that_yields_another_type_needs_a_decision_that_shows_both() {
    let left = left(&changed(|_| 1).plan("a -> b"), 1);
    let mut events = changed(|_| 1);
    events.add("d", |_| Outcome::success(1_u8));
    let mut other = Events::new();
    other.add("a", |_| Outcome::success(String::from("text")));
    other.add("b", |_| Outcome::success(1_u32));
    let (_, reason) = undecided(&left, &other.plan("a -> b"));
    let shown = "`b` yielded `String` then, and yields `u32` now";
    assert!(reason.contains(shown), "{reason}");
}

#[test]
fn what_has_changed_is_listed_step_by_step() {
    let left = left(&changed(|_| 1).plan("a -> b -> c"), 1);
    let mut events = changed(|name| if name == "c" { 3 } else { 1 });
    events.add("d", |_| Outcome::success(1_u8));
    let (_, reason) = undecided(&left, &events.plan("a -> c -> d"));
    assert_eq!(
        reason,
        "the run `k` cannot go on: its flow has changed since it began\
         \n  then: a -> b -> c\
         \n  now:  a -> c -> d\
         \n  gone: b\
         \n  new:  d\
         \n  `c` had version 1 then, and has 3 now"
    );
}

#[test]
fn another_process_may_decide() {
    for (request, state) in [
        (Request::Adopt { key: "k".into() }, RunState::Ended(Status::Succeeded)),
        (Request::Restart { key: "k".into() }, RunState::Ended(Status::Succeeded)),
        (Request::Abandon { key: "k".into() }, RunState::Ended(Status::Cancelled)),
    ] {
        let left = left(&events().plan("a -> b"), 1);
        let (engine, _) = undecided(&left, &events().plan("a -> c"));
        left.request(&request).unwrap();
        let asked = Arc::clone(&left);
        within(move || {
            while asked.run("k").unwrap().unwrap().state == RunState::NeedsDecision
                || asked.run("k").unwrap().unwrap().state == RunState::Unfinished
            {
                std::thread::yield_now();
            }
        });
        assert_eq!(self::state(&left), state);
        drop(engine);
    }
}

#[test]
fn what_another_process_has_decided_in_vain_is_in_the_reason_of_the_run() {
    let left = left(&events().plan("a -> b -> c"), 2);
    let (engine, before) = undecided(&left, &events().plan("a -> c"));
    left.request(&Request::Adopt { key: "k".into() }).unwrap();
    let asked = Arc::clone(&left);
    let reason = within(move || {
        loop {
            let reason = asked.run("k").unwrap().unwrap().reason.unwrap();
            if reason != before {
                return reason;
            }
            std::thread::yield_now();
        }
    });
    assert!(reason.contains("record 2") && reason.contains("`b`"), "{reason}");
    assert_eq!(state(&left), RunState::NeedsDecision);
    drop(engine);
}

#[test]
fn a_decision_of_a_run_that_needs_none_says_what_the_run_is() {
    let mut events = events();
    let (send, begun) = std::sync::mpsc::channel();
    let send = Mutex::new(send);
    events.add("wait", move |ctx| {
        let _ = send.lock().unwrap().send(());
        while !ctx.is_cancelled() {
            std::thread::yield_now();
        }
        Outcome::success(1_u32)
    });
    let (plan, long) = (events.plan("a"), events.plan("wait"));
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let said = |key: &str| {
        let all = [
            engine.adopt(key).map(drop).unwrap_err(),
            engine.restart(key).map(drop).unwrap_err(),
            engine.abandon(key).unwrap_err(),
        ];
        all.map(|error| error.to_string())
    };
    assert!(said("k").iter().all(|said| said.contains("has no run `k`")), "{:?}", said("k"));
    run(&engine, &plan).unwrap();
    assert!(said("k").iter().all(|said| said.contains("it is succeeded")), "{:?}", said("k"));
    let other = engine.prepare_plan(&long, nexus_core::Inputs::new()).unwrap().key("other");
    let handle = other.start().unwrap();
    begun.recv().unwrap();
    let [adopt, restart, _] = said("other");
    assert!(adopt.contains("is under way") && restart.contains("is under way"), "{adopt}");
    handle.cancel();
    handle.wait().unwrap();
}
