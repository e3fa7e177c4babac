//! D10: a run that is over goes on from what failed, or from a step, and keeps what succeeded.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use nexus_core::journal::{History, MemoryStore, RecordKind, Request, RunState, Store};
use nexus_core::testing::TestEngine;
use nexus_core::{Context, Engine, ExecutorInitializerConfig, Outcome, Plan, Report, RetryPolicy};
use nexus_core::{Status, StopCondition, ThreadPoolExecutor};

use crate::support::{Calls, Events, engine, left_at, prepare, records, run, state, within};

/// What a report says, but for times of day.
fn said(report: &Report) -> serde_json::Value {
    let mut json = serde_json::to_value(report).unwrap();
    json.as_object_mut().unwrap().remove("elapsed_seconds");
    json
}

fn retried(engine: &Engine) -> Report {
    let handle = engine.retry("k").unwrap();
    within(move || handle.wait().unwrap())
}

fn retried_from(engine: &Engine, step: &str) -> Report {
    let handle = engine.retry_from("k", step).unwrap();
    within(move || handle.wait().unwrap())
}

/// Breaks before this attempt.
fn breaks_before(ctx: &Context, attempt: u32) -> Result<u32, std::io::Error> {
    if ctx.attempt() < attempt {
        return Err(std::io::Error::other("not yet"));
    }
    let piped = ctx.previous().iter().filter_map(|it| it.value::<u32>()).sum::<u32>();
    Ok(piped + ctx.attempt())
}

/// Events of which those with a number in their names break before that attempt.
fn events() -> Events {
    let mut events = Events::new();
    events.add("fine", |ctx| breaks_before(ctx, 1));
    events.add("two", |ctx| breaks_before(ctx, 2));
    events.add("three", |ctx| breaks_before(ctx, 3));
    events
}

/// Calls of steps by their paths.
fn calls<const N: usize>(calls: &Calls, steps: [&str; N]) -> [u32; N] {
    steps.map(|step| calls.of(step))
}

/// Runs a flow that fails and is tried again until it has succeeded. Then it is left at each of its
/// records: gone on with, and tried again where it failed, it ends the same.
fn ends_the_same_from_anywhere(events: &Events, plan: &Arc<Plan>) -> Report {
    let store = Arc::new(MemoryStore::new());
    let first = engine(&store, plan);
    let mut whole = run(&first, plan).unwrap();
    assert!(!whole.is_success());
    while !whole.is_success() {
        assert!(matches!(state(&store), RunState::Ended(_)));
        whole = retried(&first);
    }
    assert_eq!(state(&store), RunState::Ended(Status::Succeeded));
    let (all, total) = (records(&store), events.calls.total());
    for safe in 0..=all.len() {
        let case = format!("left at {safe} of {}", all.len());
        let engine = engine(&left_at(&store, safe), plan);
        let before = events.calls.total();
        let handle = engine.resume().unwrap().remove(0);
        let mut report = within(move || handle.wait().unwrap());
        while !report.is_success() {
            report = retried(&engine);
        }
        assert_eq!(said(&report), said(&whole), "{case}");
        assert_eq!(said(&engine.report("k").unwrap().unwrap()), said(&whole), "{case}");
        let ended = all[..safe].iter().filter(|record| record.kind == RecordKind::Completed);
        let again = events.calls.total() - before;
        assert!(again as usize <= total as usize - ended.count(), "{case}: {again} calls");
    }
    whole
}

#[test]
fn what_succeeded_stays_and_what_failed_is_tried_again() {
    let events = events();
    let plan = events.plan("fine -> two -> fine -> three -> fine");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    assert_eq!(run(&engine, &plan).unwrap().status(), Status::Failed);
    let steps = ["fine", "two", "fine#2", "three", "fine#3"];
    assert_eq!(retried(&engine).status(), Status::Failed);
    assert_eq!(calls(&events.calls, steps), [1, 2, 1, 2, 1]);
    let report = retried(&engine);
    assert_eq!(report.status(), Status::Succeeded);
    assert_eq!(calls(&events.calls, steps), [1, 2, 1, 3, 1]);
    assert_eq!(report.step("three").unwrap().attempts(), 3);
    assert_eq!(ends_the_same_from_anywhere(&events, &plan).status(), Status::Succeeded);
}

/// Otherwise an attempt would have two outcomes, and a step that succeeded once be lost to the count.
#[test]
fn a_step_that_was_kept_and_not_come_to_counts_its_attempts_when_it_is_done_again() {
    let (mut events, attempts) = (Events::new(), Arc::new(Mutex::new(Vec::new())));
    events
        .add("unsure", |ctx| match ctx.attempt() {
            1 => Ok(Outcome::failure("not sure")),
            2 => Err(std::io::Error::other("the line is dead")),
            _ => Ok(Outcome::success(1_u32)),
        })
        .stop_on_exception(true);
    let noted = Arc::clone(&attempts);
    events.add("later", move |ctx| {
        noted.lock().unwrap().push(ctx.attempt());
        Outcome::success(1_u32)
    });
    let plan = events.plan("unsure -> later");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    assert_eq!(run(&engine, &plan).unwrap().status(), Status::Failed);
    assert_eq!(retried(&engine).status(), Status::Stopped);
    assert_eq!(retried_from(&engine, "unsure").status(), Status::Succeeded);
    assert_eq!(*attempts.lock().unwrap(), [1, 2]);
}

#[test]
fn what_took_what_failed_is_done_again_and_what_did_not_is_not() {
    let events = events();
    let plan = events.plan("two |-> fine |-> fine -> fine");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let report = run(&engine, &plan).unwrap();
    // Closures take failures, too.
    assert!(report.step("fine#2").unwrap().is_success());
    let report = retried(&engine);
    assert_eq!(calls(&events.calls, ["two", "fine", "fine#2", "fine#3"]), [2, 2, 2, 1]);
    // Two, and the second attempts of the others.
    assert_eq!(report.step("fine#2").unwrap().value::<u32>().unwrap(), &6);
    ends_the_same_from_anywhere(&events, &plan);
}

#[test]
fn branches_that_failures_decided_are_undone() {
    let mut events = events();
    events.add("no", |_| Outcome::<u32>::failure("no"));
    let plan = events.plan("{fine || two -> fine} (0 -> no, 1 -> fine) -> fine");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let report = run(&engine, &plan).unwrap();
    assert!(report.step("{fine}/0/no").unwrap().ran(), "{report}");
    // The failure of `two` was handled, that of `no` was not, and what decided stays.
    assert_eq!(retried(&engine).status(), Status::Failed);
    assert_eq!(events.calls.of("{fine}/0/no"), 2);
    assert_eq!(events.calls.of("two"), 1);
    let report = retried_from(&engine, "two");
    assert_eq!(report.status(), Status::Succeeded, "{report}");
    assert!(!report.step("{fine}/0/no").unwrap().ran());
    assert_eq!(events.calls.of("{fine}/0/no"), 2);
    assert_eq!(events.calls.of("fine"), 1);
}

#[test]
fn a_run_that_was_stopped_or_could_not_go_on_does() {
    let mut events = events();
    events.add("go", |ctx| Outcome::goto(6 + ctx.attempt(), 3_u32));
    let stopped = "fine || {two[stop_on_error] -> fine} -> fine";
    let plan = events.plan(stopped);
    let store = Arc::new(MemoryStore::new());
    let stops = engine(&store, &plan);
    let report = run(&stops, &plan).unwrap();
    assert_eq!(report.stopped_by().unwrap().1, StopCondition::Error);
    let report = retried(&stops);
    assert_eq!(report.status(), Status::Succeeded);
    assert_eq!(calls(&events.calls, ["fine", "two", "fine#2", "fine#3"]), [1, 2, 1, 1]);
    ends_the_same_from_anywhere(&events, &plan);
    // The first attempt goes to a branch that there is not.
    let plan = events.plan("fine -> go (8 |-> fine) -> fine");
    let report = ends_the_same_from_anywhere(&events, &plan);
    assert_eq!(report.step("go/8/fine#2").unwrap().attempts(), 1);
}

#[test]
fn a_group_keeps_the_members_that_succeeded() {
    let events = events();
    let plan = events.plan("{fine || {two -> three} || two} |-> fine");
    assert_eq!(ends_the_same_from_anywhere(&events, &plan).status(), Status::Succeeded);
    // Here the one that fails first has the others cancelled, which go on.
    let flow =
        "{fine || {two -> three} || two}[execution_evaluation_state = FailureForPartialError]";
    let plan = events.plan(flow);
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let mut report = run(&engine, &plan).unwrap();
    while !report.is_success() {
        report = retried(&engine);
    }
    assert!(report.steps().all(|step| step.is_success()), "{report}");
}

#[test]
fn a_policy_counts_from_where_the_run_goes_on() {
    let mut events = Events::new();
    let policy = RetryPolicy::builder().max_attempts(2).backoff_factor(3.0).build();
    events.add("five", |ctx| breaks_before(ctx, 5)).retry_policy(policy);
    let plan = events.plan("five");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    assert_eq!(run(&engine, &plan).unwrap().step("five").unwrap().attempts(), 2);
    assert_eq!(retried(&engine).step("five").unwrap().attempts(), 4);
    let report = retried(&engine);
    assert_eq!(report.output::<u32>().unwrap(), &5);
    // The waits of each life begin small again.
    let waits = [3, 3].map(Duration::from_secs);
    assert_eq!(report.step("five").unwrap().waits(), waits);
    ends_the_same_from_anywhere(&events, &plan);
}

#[test]
fn the_time_that_all_attempts_may_take_counts_from_where_the_run_goes_on() {
    let mut events = Events::new();
    let hour = Duration::from_hours(1);
    let policy = RetryPolicy::builder()
        .max_attempts(9)
        .backoff_factor(600.0)
        .max_backoff(7200.0)
        .max_elapsed(hour)
        .build();
    events.add("busy", |ctx| breaks_before(ctx, 7)).retry_policy(policy);
    events.add("fine", |ctx| breaks_before(ctx, 1));
    let plan = events.plan("fine -> busy");
    let (test, store) = (TestEngine::new(), Arc::new(MemoryStore::new()));
    let clock = test.clock();
    let engine = test.store(Arc::clone(&store)).resumable(&plan).build().unwrap();
    let report = run(&engine, &plan).unwrap();
    let attempts = report.step("busy").unwrap().attempts();
    assert!((2..6).contains(&attempts), "{attempts}");
    clock.advance(24 * hour);
    assert!(retried(&engine).step("busy").unwrap().attempts() > attempts + 1);
}

/// Items of which some break before their second attempt.
fn items(events: &mut Events) {
    events.add("list", |_| Outcome::success((0..12).collect::<Vec<u32>>()));
    events
        .add("item", |ctx| {
            let number = ctx.previous()[0].value::<u32>().copied().unwrap_or(0);
            let breaks = [2, 3, 7].contains(&number);
            breaks_before(ctx, if breaks { 2 } else { 1 }).map(|_| number * 10)
        })
        .each_of::<u32>();
    events.add("use", |ctx| {
        let list = ctx.previous()[0].value::<Vec<u32>>().cloned();
        list.map_or_else(|| Outcome::failure("no list"), Outcome::success)
    });
}

#[test]
fn of_an_each_step_only_the_items_that_failed_are_done_again_and_the_list_is_whole() {
    let mut events = Events::new();
    items(&mut events);
    for state in ["", ", execution_evaluation_state = FailureForPartialError"] {
        let flow = format!("list |-> item[each, max_concurrency = 3{state}] |-> use");
        let plan = events.plan(&flow);
        let report = ends_the_same_from_anywhere(&events, &plan);
        let list: Vec<u32> = (0..12).map(|number| number * 10).collect();
        assert_eq!(report.step("use").unwrap().value::<Vec<u32>>().unwrap(), &list, "{flow}");
    }
    let store = Arc::new(MemoryStore::new());
    let plan = events.plan("list |-> item[each] |-> use");
    let engine = engine(&store, &plan);
    run(&engine, &plan).unwrap();
    let before = [0, 2].map(|item| events.calls.of(&format!("item[{item}]")));
    retried(&engine);
    let after = [0, 2].map(|item| events.calls.of(&format!("item[{item}]")));
    assert_eq!([after[0] - before[0], after[1] - before[1]], [0, 1]);
    // All of them, if that is what is asked for.
    retried_from(&engine, "item");
    assert_eq!(events.calls.of("item[0]"), after[0] + 1);
}

#[test]
fn items_of_another_list_are_all_done_again() {
    let mut events = Events::new();
    items(&mut events);
    events.add("lists", |ctx| match ctx.attempt() {
        1 => Ok(vec![2_u32, 5]),
        _ => Ok::<_, std::io::Error>(vec![8_u32, 9, 10]),
    });
    let plan = events.plan("lists |-> item[each] |-> use");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    assert_eq!(run(&engine, &plan).unwrap().status(), Status::Failed);
    let report = retried_from(&engine, "lists");
    assert_eq!(report.step("use").unwrap().value::<Vec<u32>>().unwrap(), &[80, 90, 100]);
}

#[test]
fn items_that_come_from_what_failed_are_all_done_again() {
    let mut events = events();
    events
        .add("pick", |ctx| match ctx.previous()[0].value::<u32>() {
            Some(number) => Ok(*number),
            None => Err(std::io::Error::other("no number")),
        })
        .each_of::<u32>();
    let plan = events.plan("fine || two |-> pick[each]");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    assert_eq!(run(&engine, &plan).unwrap().status(), Status::Failed);
    let report = retried(&engine);
    assert_eq!(report.step("pick").unwrap().value::<Vec<u32>>().unwrap(), &[1, 2]);
    assert_eq!(calls(&events.calls, ["fine", "pick[0]", "pick[1]"]), [1, 2, 2]);
}

#[test]
fn an_each_step_that_was_cancelled_keeps_its_items() {
    let mut events = Events::new();
    let ((send, begun), gate) = (mpsc::channel(), Arc::new(Mutex::new(true)));
    let is_held = Arc::clone(&gate);
    events.add("list", |_| Outcome::success((0..6).collect::<Vec<u32>>()));
    events
        .add("item", move |ctx: &Context| {
            if ctx.item() == Some(4) && *is_held.lock().unwrap() {
                let _ = send.send(());
                while !ctx.is_cancelled() {
                    std::thread::yield_now();
                }
            }
            Outcome::success(ctx.item().unwrap_or(0) as u32)
        })
        .each_of::<u32>()
        .executor::<ThreadPoolExecutor>()
        .executor_config(ExecutorInitializerConfig::new().max_workers(1));
    let plan = events.plan("list |-> item[each, max_concurrency = 1]");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    begun.recv().unwrap();
    handle.cancel();
    assert_eq!(within(move || handle.wait().unwrap()).status(), Status::Cancelled);
    *gate.lock().unwrap() = false;
    let report = retried(&engine);
    let list = report.step("item").unwrap().value::<Vec<u32>>().unwrap();
    assert_eq!(list, &[0, 1, 2, 3, 4, 5]);
    assert_eq!(History::read(&*store, "k").unwrap().unwrap().halted, None);
    let calls = [0, 3, 4, 5].map(|item| events.calls.of(&format!("item[{item}]")));
    assert_eq!(calls, [1, 1, 2, 1]);
}

#[test]
fn a_run_that_took_too_long_has_as_much_time_again() {
    let mut events = Events::new();
    let test = TestEngine::new();
    let clock = test.clock();
    let hour = Duration::from_hours(1);
    events.add("slow", move |ctx| {
        if ctx.attempt() == 1 {
            clock.advance(2 * hour);
            while !ctx.is_cancelled() {
                std::thread::yield_now();
            }
        }
        Outcome::success(ctx.attempt())
    });
    let plan = events.plan("slow -> slow");
    let (clock, store) = (test.clock(), Arc::new(MemoryStore::new()));
    let engine = test.store(Arc::clone(&store)).resumable(&plan).build().unwrap();
    let report = prepare(&engine, &plan).timeout(hour).run().unwrap();
    assert_eq!(report.status(), Status::TimedOut);
    clock.advance(24 * hour);
    let handle = engine.retry("k").unwrap();
    let report = within(move || handle.wait().unwrap());
    // The second step takes two hours in its first attempt.
    assert_eq!(report.status(), Status::TimedOut);
    assert!(report.step("slow").unwrap().is_success(), "{report}");
    assert_eq!(retried(&engine).status(), Status::Succeeded);
}

#[test]
fn from_a_step_all_that_comes_after_it_is_done_again_and_nothing_else() {
    let events = events();
    let plan = events.plan("fine -> {fine || {fine (1 -> fine) -> fine}} -> fine -> fine");
    let store = Arc::new(MemoryStore::new());
    let first = engine(&store, &plan);
    assert_eq!(run(&first, &plan).unwrap().status(), Status::Succeeded);
    let from = "fine#3";
    let whole = retried_from(&first, from);
    assert_eq!(whole.status(), Status::Succeeded);
    let steps = ["fine", "fine#2", from, "fine#3/1/fine#4", "fine#5", "fine#6", "fine#7"];
    assert_eq!(calls(&events.calls, steps), [1, 1, 2, 2, 2, 2, 2]);
    let all = records(&store);
    let at = all.iter().position(|record| record.kind == RecordKind::Retried).unwrap();
    for safe in at + 1..=all.len() {
        let engine = engine(&left_at(&store, safe), &plan);
        let handle = engine.resume().unwrap().remove(0);
        assert_eq!(said(&within(move || handle.wait().unwrap())), said(&whole), "left at {safe}");
    }
    // Twice is once more.
    let again = retried_from(&first, from);
    assert_eq!(again.step(from).unwrap().attempts(), 3);
    assert_eq!(calls(&events.calls, ["fine", "fine#2"]), [1, 1]);
}

#[test]
fn what_cannot_be_tried_again_is_refused_and_says_why() {
    let mut events = events();
    events.add("ask", |_| Outcome::<u32>::pending());
    let plan = events.plan("fine -> two (0 -> fine, 1 -> fine)");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let why = |result: nexus_core::Result<nexus_core::RunHandle>| result.unwrap_err().to_string();
    assert!(why(engine.retry("k")).contains("the store has no run `k`"));
    run(&engine, &plan).unwrap();
    let all = records(&store);
    let refused = [
        (why(engine.retry("k")), "cannot be tried again: nothing of it failed"),
        (why(engine.retry_from("k", "tow")), "`tow` is no step of it; did you mean `two`?"),
        (why(engine.retry_from("k", "two/1/fine#3")), "it never came to that step"),
        (why(engine.retry_from("k", "two[0]")), "`two[0]` is no step of it"),
    ];
    for (why, expected) in refused {
        assert!(why.contains(expected), "{why}");
    }
    // Nothing of that is recorded, and the run is over as before.
    assert_eq!(records(&store), all);
    assert_eq!(state(&store), RunState::Ended(Status::Succeeded));
    assert!(engine.report("k").unwrap().unwrap().is_success());
    let left = crate::support::engine(&left_at(&store, 1), &plan);
    assert!(why(left.retry("k")).contains("it is not over, but unfinished"));
    let waits = events.plan("ask");
    let handle = engine.prepare_plan(&waits, nexus_core::Inputs::new()).unwrap();
    let handle = handle.key("waits").start().unwrap();
    assert!(why(engine.retry("waits")).contains("it is under way"));
    engine.resolve("waits", "ask", 1_u32).unwrap();
    within(move || handle.wait().unwrap());
    assert!(why(Engine::new().retry("k")).contains("has no store"));
}

#[test]
fn what_is_pending_again_is_asked_again() {
    let mut events = Events::new();
    events.add("ask", |_| Outcome::<u32>::pending());
    let plan = events.plan("ask");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    engine.fail("k", "ask", "no answer").unwrap();
    assert_eq!(within(move || handle.wait().unwrap()).status(), Status::Failed);
    let handle = engine.retry("k").unwrap();
    engine.resolve("k", "ask", 5_u32).unwrap();
    let report = within(move || handle.wait().unwrap());
    assert_eq!((report.output::<u32>().unwrap(), report.step("ask").unwrap().attempts()), (&5, 2));
}

#[test]
fn another_process_may_ask_for_it() {
    let events = events();
    let plan = events.plan("fine -> two");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    assert_eq!(run(&engine, &plan).unwrap().status(), Status::Failed);
    store.request(&Request::Retry { key: "k".into(), from: None }).unwrap();
    let ended = |calls: [u32; 2]| {
        let (store, counted) = (Arc::clone(&store), events.calls.clone());
        within(move || {
            let over = RunState::Ended(Status::Succeeded);
            while state(&store) != over || self::calls(&counted, ["fine", "two"]) != calls {
                std::thread::yield_now();
            }
        });
    };
    ended([1, 2]);
    store.request(&Request::Retry { key: "k".into(), from: Some("fine".into()) }).unwrap();
    ended([2, 3]);
}
