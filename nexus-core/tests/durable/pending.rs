//! D9: a step that waits for the world outside ends when somebody says how, whatever happens to the
//! process meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use nexus_core::journal::{AttemptEnd, History, MemoryStore, RecordKind, Request, RunState, Store};
use nexus_core::testing::TestEngine;
use nexus_core::{
    Context, Engine, Exception, ExceptionKind, Inputs, Outcome, Plan, Report, RetryPolicy,
    RunHandle, Shutdown, Status, StepOutcome, ThreadPoolExecutor,
};
use serde::{Deserialize, Serialize};

use crate::support::{
    self, Events, Slow, engine, kinds, left_at, prepare, records, run, settle, state, within,
};

const HOUR: Duration = Duration::from_hours(1);

/// What a report says, but for times of day.
fn said(report: &Report) -> serde_json::Value {
    let mut json = serde_json::to_value(report).unwrap();
    json.as_object_mut().unwrap().remove("elapsed_seconds");
    json
}

/// The addresses of what is pending of the run `k`.
fn pending(engine: &Engine) -> Vec<String> {
    engine.pending("k").unwrap().iter().map(|pending| pending.step.to_string()).collect()
}

/// Waits until these are pending.
fn until_pending(engine: &Engine, steps: &[&str]) {
    let (engine, steps) = (engine.clone(), steps.iter().map(ToString::to_string).collect());
    within(move || {
        let steps: Vec<String> = steps;
        while pending(&engine) != steps {
            std::thread::yield_now();
        }
    });
}

fn wait(handle: RunHandle) -> Report {
    within(move || handle.wait().unwrap())
}

fn exception(report: &Report, step: &str) -> Exception {
    match report.step(step).unwrap().outcome() {
        StepOutcome::Exception(exception) => exception,
        other => panic!("{step}: {other:?}"),
    }
}

/// What is to be answered, by address and attempt.
type Answers = BTreeMap<(&'static str, u32), Result<u32, &'static str>>;

/// Answers whatever is pending until the run is over.
fn answered(engine: &Engine, handle: RunHandle, answers: &Answers) -> Report {
    let (engine, answers) = (engine.clone(), answers.clone());
    within(move || {
        while !handle.is_finished() {
            for pending in engine.pending("k").unwrap() {
                let step = pending.step.to_string();
                let mut answers = answers.iter();
                let known = answers.find(|(at, _)| (at.0, at.1) == (&*step, pending.attempt));
                let (_, answer) = known.unwrap_or_else(|| panic!("{step} has no answer"));
                match answer {
                    Ok(value) => engine.resolve("k", &step, value).unwrap(),
                    Err(message) => engine.fail("k", &step, message).unwrap(),
                }
            }
            std::thread::yield_now();
        }
        handle.wait().unwrap()
    })
}

/// Runs the flow, leaves it at each of its records and goes on, twice in each life: answered after
/// it was resumed, and before. The end is always the same.
fn ends_the_same_from_anywhere(events: &Events, script: &str, answers: &Answers) -> Report {
    let plan = events.plan(script);
    let store = Arc::new(MemoryStore::new());
    let whole = engine(&store, &plan);
    let handle = prepare(&whole, &plan).start().unwrap();
    let whole = answered(&whole, handle, answers);
    let all = records(&store);
    for safe in 0..=all.len() {
        let case = format!("left at {safe} of {}", all.len());
        let left = left_at(&store, safe);
        let resumed = engine(&left, &plan);
        let handle = resumed.resume().unwrap().remove(0);
        assert_eq!(said(&answered(&resumed, handle, answers)), said(&whole), "{case}");
        // Each of these was left by a process that had answered one thing of a run that it did not go on
        // with.
        let left = left_at(&store, safe);
        let engine = engine(&left, &plan);
        for step in pending(&engine) {
            let attempt = engine.pending("k").unwrap().remove(0).attempt;
            let found = answers.iter().find(|(at, _)| (at.0, at.1) == (&*step, attempt));
            match found.unwrap().1 {
                Ok(value) => engine.resolve("k", &step, value).unwrap(),
                Err(message) => engine.fail("k", &step, message).unwrap(),
            }
        }
        assert_eq!(pending(&engine), [""; 0], "{case}");
        let handle = engine.resume().unwrap().remove(0);
        assert_eq!(said(&answered(&engine, handle, answers)), said(&whole), "{case}, before");
    }
    whole
}

fn sum(ctx: &Context) -> Outcome<u32> {
    Outcome::success(ctx.previous().iter().filter_map(|it| it.value::<u32>()).sum::<u32>() + 1)
}

#[test]
fn a_chain_goes_on_with_the_value_that_was_given() {
    let mut events = Events::new();
    events.add("ask", |_| Outcome::<u32>::pending());
    events.add("use", sum);
    let answers = Answers::from([(("ask", 1), Ok(40)), (("ask#2", 1), Ok(7))]);
    let report = ends_the_same_from_anywhere(&events, "ask |-> use -> ask |-> use", &answers);
    assert_eq!(report.output::<u32>().unwrap(), &8);
    assert_eq!(report.status(), Status::Succeeded);
}

#[test]
fn members_of_a_group_wait_beside_others_on_threads() {
    let mut events = Events::new();
    events.add("ask", |_| Outcome::<u32>::pending());
    events.add("work", |_| Outcome::success(100_u32));
    events.add("use", sum);
    let answers = Answers::from([(("ask", 1), Ok(40)), (("ask#2", 1), Ok(7))]);
    let report = ends_the_same_from_anywhere(&events, "ask || work || ask |-> use", &answers);
    assert_eq!(report.output::<u32>().unwrap(), &148);
}

#[test]
fn each_item_may_wait() {
    let mut events = Events::new();
    events.add("list", |_| Outcome::success(vec![1_u32, 2, 3, 4, 5, 6]));
    events
        .add("ask", |ctx| match ctx.item() {
            Some(1 | 4) => Outcome::pending(),
            item => Outcome::success(item.unwrap_or(0) as u32),
        })
        .each_of::<u32>();
    events.add("use", |ctx| {
        let lists = ctx.previous().iter().filter_map(|it| it.value::<Vec<u32>>());
        Outcome::success(lists.flatten().sum::<u32>())
    });
    let answers = Answers::from([(("ask[1]", 1), Ok(50)), (("ask[4]", 1), Ok(70))]);
    let flow = "list |-> ask[each, max_concurrency = 4] |-> use";
    let report = ends_the_same_from_anywhere(&events, flow, &answers);
    assert_eq!(report.output::<u32>().unwrap(), &(120 + 2 + 3 + 5));
}

#[test]
fn what_failed_outside_is_tried_again_as_any_exception() {
    let mut events = Events::new();
    let policy = RetryPolicy::builder().max_attempts(3).backoff_factor(2.0).build();
    events.add("ask", |_| Outcome::<u32>::pending()).retry_policy(policy);
    let mut answers = Answers::from([
        (("ask", 1), Err("the courier lost it")),
        (("ask", 2), Err("again")),
        (("ask", 3), Ok(9)),
    ]);
    let report = ends_the_same_from_anywhere(&events, "ask", &answers);
    assert_eq!(report.output::<u32>().unwrap(), &9);
    assert_eq!(report.step("ask").unwrap().attempts(), 3);
    answers.insert(("ask", 3), Err("for good"));
    let report = ends_the_same_from_anywhere(&events, "ask", &answers);
    assert_eq!(report.status(), Status::Failed);
    assert!(report.to_string().contains("for good"), "{report}");
}

#[test]
fn a_step_that_waits_holds_no_worker() {
    let mut events = Events::new();
    events
        .add("ask", |_| Outcome::<u32>::pending())
        .executor::<ThreadPoolExecutor>()
        .executor_config(nexus_core::ExecutorInitializerConfig::new().max_workers(1));
    let plan = events.plan("ask || ask || ask");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    // One worker, and all three are pending at once.
    until_pending(&engine, &["ask", "ask#2", "ask#3"]);
    assert!(!handle.is_finished());
    for step in pending(&engine) {
        engine.resolve("k", &step, 1_u32).unwrap();
    }
    assert!(wait(handle).is_success());
    assert_eq!(state(&store), RunState::Ended(Status::Succeeded));
}

#[test]
fn a_future_waits_too() {
    let mut events = Events::new();
    events.add("ask", |_| Outcome::<u32>::pending());
    let plan = events.plan("ask");
    let engine = engine(&Arc::new(MemoryStore::new()), &plan);
    let outside = {
        let engine = engine.clone();
        std::thread::spawn(move || {
            while engine.resolve("k", "ask", 3_u32).is_err() {
                std::thread::yield_now();
            }
        })
    };
    let report = support::block_on(support::future(&engine, &plan)).unwrap();
    assert_eq!(report.output::<u32>().unwrap(), &3);
    outside.join().unwrap();
}

#[test]
fn an_answer_may_come_before_the_body_has_returned() {
    let mut events = Events::new();
    let known: Arc<Mutex<Option<Engine>>> = Arc::default();
    let shared = Arc::clone(&known);
    events.add("ask", move |ctx| {
        let (key, step) = (ctx.run_key().unwrap().to_owned(), ctx.step_address().to_string());
        let engine = shared.lock().unwrap().clone().unwrap();
        if let Err(error) = engine.resolve(&key, &step, 5_u32) {
            // A process that died in between has it in its store already.
            assert!(error.to_string().contains("is resolved already"), "{error}");
        }
        Outcome::<u32>::pending()
    });
    let plan = events.plan("ask");
    let store = Arc::new(MemoryStore::new());
    let first = engine(&store, &plan);
    *known.lock().unwrap() = Some(first.clone());
    assert_eq!(wait(prepare(&first, &plan).start().unwrap()).output::<u32>().unwrap(), &5);
    assert_eq!(kinds(&store), [(RecordKind::Resolved, 0), (RecordKind::Completed, 1)]);
    let history = History::read(&*store, "k").unwrap().unwrap();
    assert_eq!(history.steps[0].last().unwrap().ended, AttemptEnd::Success);
    assert_eq!(
        (history.steps[0].ended_attempts, history.steps[0].value.clone()),
        (1, Some(5.into()))
    );
    let left = engine(&left_at(&store, 1), &plan);
    *known.lock().unwrap() = Some(left.clone());
    let report = wait(left.resume().unwrap().remove(0));
    assert_eq!(report.output::<u32>().unwrap(), &5);
    assert_eq!(report.step("ask").unwrap().attempts(), 1);
    // The engine would have itself.
    known.lock().unwrap().take();
}

#[test]
fn an_answer_may_come_before_the_disk_has_the_record_that_it_is_for() {
    let mut events = Events::new();
    let slow = Slow::default();
    let holds = slow.clone();
    events.add("ask", move |_| {
        holds.hold();
        Outcome::<u32>::pending()
    });
    let plan = events.plan("ask");
    let engine = TestEngine::new().store(slow.store()).resumable(&plan).build().unwrap();
    let handle = prepare(&engine, &plan).start().unwrap();
    slow.wait_for_commit();
    let answer = {
        let engine = engine.clone();
        std::thread::spawn(move || engine.resolve("k", "ask", 6_u32))
    };
    slow.release();
    within(move || answer.join().unwrap().unwrap());
    assert_eq!(wait(handle).output::<u32>().unwrap(), &6);
}

#[test]
fn an_answer_outlives_the_attempt_that_broke_before_it_could_say_that_it_waits() {
    let mut events = Events::new();
    let known: Arc<OnceLock<Engine>> = Arc::default();
    let shared = Arc::clone(&known);
    events
        .add("ask", move |ctx| match ctx.attempt() {
            1 => {
                shared.get().unwrap().resolve("k", "ask", 5_u32).unwrap();
                Err(std::io::Error::other("the line went dead"))
            }
            _ => Ok(Outcome::<u32>::pending()),
        })
        .retry_policy(RetryPolicy::builder().max_attempts(2).build());
    let plan = events.plan("ask");
    let engine = engine(&Arc::new(MemoryStore::new()), &plan);
    known.set(engine.clone()).unwrap();
    assert_eq!(wait(prepare(&engine, &plan).start().unwrap()).output::<u32>().unwrap(), &5);
}

#[derive(Serialize, Deserialize)]
struct Decision {
    by: String,
    cents: Vec<u32>,
}

#[test]
fn an_answer_that_is_wrong_is_refused_and_the_step_waits_on() {
    let mut events = Events::new();
    events.add("approve", |_| Outcome::<Decision>::pending());
    events.add("items", |_| Outcome::success(vec![1_u32, 2]));
    events.add("each", |_| Outcome::<u32>::pending()).each_of::<u32>();
    events.add("late", |_| Outcome::success(1_u32));
    let plan = events.plan("approve || {items |-> each[each, max_concurrency = 2]} -> late");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    until_pending(&engine, &["approve", "each[0]", "each[1]"]);
    let all = "pending: `approve`, `each[0]`, `each[1]`";
    let wrong = [
        ("k", "approve", r#"{"by":"Ada","cents":[1,"two"]}"#, "cents[1]: "),
        ("k", "approve", r#"{"by":"Ada","cents":[1]"#, "EOF"),
        ("k", "approve", "7", "which yields `Decision`"),
        ("k", "aprove", "7", "is no step of it; did you mean `approve`?"),
        ("k", "aprove", "7", all),
        ("k", "each", "7", "runs once for each item; name one, as in `each[0]`"),
        ("k", "each[2]", "7", "has not begun"),
        ("k", "approve[0]", "7", "has no items"),
        ("k", "items", "[]", "has ended"),
        ("k", "late", "7", "has not begun"),
        ("k2", "approve", "7", "the store has no run `k2`"),
    ];
    for (key, step, json, why) in wrong {
        let error = engine.resolve_json(key, step, json).unwrap_err().to_string();
        assert!(error.contains(why), "{step} {json}: {error}");
    }
    let nan = engine.resolve("k", "each[0]", f64::NAN).unwrap_err().to_string();
    assert!(nan.contains("NaN"), "{nan}");
    assert_eq!(pending(&engine).len(), 3);
    engine.resolve("k", "approve", Decision { by: "Ada".into(), cents: vec![1] }).unwrap();
    let twice = engine.resolve_json("k", "approve", r#"{"by":"Bob","cents":[]}"#).unwrap_err();
    assert!(twice.to_string().contains("has ended"), "{twice}");
    engine.resolve("k", "each[1]", 2_u32).unwrap();
    assert!(engine.fail("k", "each[1]", "no").unwrap_err().to_string().contains("has ended"));
    engine.resolve("k", "each[0]", 1_u32).unwrap();
    let report = wait(handle);
    assert_eq!(report.step("approve").unwrap().value::<Decision>().unwrap().by, "Ada");
    let over = engine.resolve("k", "approve", 1_u32).unwrap_err().to_string();
    assert!(over.contains("it is over (succeeded)"), "{over}");
    assert!(engine.pending("k").unwrap().is_empty());
    let without = Engine::new().resolve("k", "approve", 1_u32).unwrap_err().to_string();
    assert!(without.contains("has no store"), "{without}");
}

#[test]
fn of_two_answers_at_once_one_counts() {
    let mut events = Events::new();
    events.add("ask", |_| Outcome::<u32>::pending());
    let plan = events.plan("ask");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    until_pending(&engine, &["ask"]);
    let answers = (0..4).map(|n| {
        let engine = engine.clone();
        std::thread::spawn(move || engine.resolve("k", "ask", n).map(|()| n))
    });
    let answers: Vec<_> = answers.collect();
    let taken: Vec<u32> = answers.into_iter().filter_map(|it| it.join().unwrap().ok()).collect();
    assert_eq!(taken.len(), 1);
    assert_eq!(wait(handle).output::<u32>().unwrap(), &taken[0]);
    let resolved = records(&store).iter().filter(|it| it.kind == RecordKind::Resolved).count();
    assert_eq!(resolved, 1);
}

/// A run whose only step waits for at most an hour, on a clock of its own.
fn an_hour(test: TestEngine, store: &Arc<MemoryStore>) -> (Engine, Arc<Plan>) {
    let mut events = Events::new();
    events.add("ask", |_| Outcome::<u32>::pending()).timeout(HOUR);
    let plan = events.plan("ask");
    (test.store(Arc::clone(store)).resumable(&plan).build().unwrap(), plan)
}

#[test]
fn a_step_that_waits_for_longer_than_its_timeout_has_timed_out() {
    let (test, store) = (TestEngine::new(), Arc::new(MemoryStore::new()));
    let clock = test.clock();
    let (engine, plan) = an_hour(test, &store);
    let handle = prepare(&engine, &plan).start().unwrap();
    until_pending(&engine, &["ask"]);
    let waits = engine.pending("k").unwrap().remove(0);
    assert_eq!(waits.until.unwrap().since(waits.since), HOUR);
    clock.advance(HOUR);
    let report = wait(handle);
    assert_eq!(exception(&report, "ask").kind(), ExceptionKind::Timeout);
    assert_eq!(kinds(&store), [(RecordKind::Completed, 1), (RecordKind::TimedOut, 1)]);
    let late = engine.resolve("k", "ask", 1_u32).unwrap_err().to_string();
    assert!(late.contains("it is over (failed)"), "{late}");
}

#[test]
fn the_timeout_goes_on_while_nobody_drives_the_run() {
    let store = Arc::new(MemoryStore::new());
    let (engine, plan) = an_hour(TestEngine::new(), &store);
    let handle = prepare(&engine, &plan).start().unwrap();
    until_pending(&engine, &["ask"]);
    drop(handle);
    for (away, left) in [(HOUR / 4, HOUR * 3 / 4), (HOUR * 2, Duration::ZERO)] {
        let (test, store) = (TestEngine::new(), left_at(&store, 1));
        let clock = test.clock();
        clock.advance(away);
        let (engine, _) = an_hour(test, &store);
        let handle = engine.resume().unwrap().remove(0);
        if !left.is_zero() {
            until_pending(&engine, &["ask"]);
            clock.advance(left / 2);
            assert_eq!(pending(&engine), ["ask"], "{away:?}");
            clock.advance(left / 2);
        }
        let report = wait(handle);
        assert_eq!(report.status(), Status::Failed);
        assert_eq!(report.elapsed(), away + left);
    }
    engine.cancel("k").unwrap();
}

#[test]
fn the_time_that_all_attempts_may_take_counts_while_a_step_waits() {
    let mut events = Events::new();
    let policy =
        RetryPolicy::builder().max_attempts(5).backoff_factor(0.001).max_elapsed(HOUR).build();
    events.add("ask", |_| Outcome::<u32>::pending()).retry_policy(policy);
    let plan = events.plan("ask");
    let store = Arc::new(MemoryStore::new());
    let test = TestEngine::new();
    let clock = test.clock();
    let engine = test.store(Arc::clone(&store)).resumable(&plan).build().unwrap();
    let handle = prepare(&engine, &plan).start().unwrap();
    until_pending(&engine, &["ask"]);
    clock.advance(2 * HOUR);
    engine.fail("k", "ask", "too late").unwrap();
    assert_eq!(wait(handle).step("ask").unwrap().attempts(), 1);
    // The same where the answer comes while nobody drives the run.
    let (test, left) = (TestEngine::new(), left_at(&store, 1));
    test.clock().advance(2 * HOUR);
    let engine = test.store(left).resumable(&plan).build().unwrap();
    engine.fail("k", "ask", "too late").unwrap();
    assert_eq!(wait(engine.resume().unwrap().remove(0)).step("ask").unwrap().attempts(), 1);
}

#[test]
fn in_a_run_that_is_not_durable_it_is_an_exception_that_says_so() {
    let mut events = Events::new();
    let policy = RetryPolicy::builder().max_attempts(3).build();
    events.add("ask", |_| Outcome::<u32>::pending()).retry_policy(policy);
    for plan in [events.plan("ask"), events.plan("ask || ask")] {
        let report = Engine::new().run_plan(&plan, Inputs::new()).unwrap();
        let exception = exception(&report, "ask");
        assert_eq!(exception.kind(), ExceptionKind::Pending);
        assert!(exception.message().contains("only a durable run can wait"), "{exception}");
        assert_eq!(report.step("ask").unwrap().attempts(), 1);
    }
}

#[test]
fn a_run_that_waits_can_be_cancelled_and_left() {
    let mut events = Events::new();
    events.add("ask", |_| Outcome::<u32>::pending());
    let plan = events.plan("ask");
    let store = Arc::new(MemoryStore::new());
    let first = engine(&store, &plan);
    let handle = prepare(&first, &plan).start().unwrap();
    until_pending(&first, &["ask"]);
    within(move || {
        first.shutdown(Shutdown::cancel());
        assert!(handle.wait().unwrap_err().to_string().contains("to be resumed"));
    });
    assert_eq!(state(&store), RunState::Unfinished);
    let second = engine(&store, &plan);
    let handle = second.resume().unwrap().remove(0);
    until_pending(&second, &["ask"]);
    handle.cancel();
    assert_eq!(wait(handle).status(), Status::Cancelled);
    settle(&second);
    assert!(second.resolve("k", "ask", 1_u32).unwrap_err().to_string().contains("(cancelled)"));
}

#[test]
fn a_member_that_is_not_wanted_any_more_is_not_resolved() {
    let mut events = Events::new();
    events.add("ask", |_| Outcome::<u32>::pending());
    events.add("no", |_| Outcome::<u32>::failure("no"));
    let flow = "{ask || {ask -> no}}[execution_evaluation_state = FailureForPartialError] -> ask";
    let plan = events.plan(flow);
    let engine = engine(&Arc::new(MemoryStore::new()), &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    until_pending(&engine, &["ask", "ask#2"]);
    engine.resolve("k", "ask#2", 1_u32).unwrap();
    until_pending(&engine, &["ask#3"]);
    let error = engine.resolve("k", "ask", 1_u32).unwrap_err().to_string();
    assert!(error.contains("has ended") && error.contains("pending: `ask#3`"), "{error}");
    engine.resolve("k", "ask#3", 1_u32).unwrap();
    assert_eq!(wait(handle).status(), Status::Failed);
}

#[test]
fn another_process_may_answer() {
    let mut events = Events::new();
    events.add("ask", |_| Outcome::<u32>::pending());
    let plan = events.plan("ask || ask (0 |-> ask)");
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&store, &plan);
    let handle = prepare(&engine, &plan).start().unwrap();
    until_pending(&engine, &["ask", "ask#2"]);
    let (key, step): (Arc<str>, _) = ("k".into(), "ask".to_owned());
    store.request(&Request::Resolve { key: Arc::clone(&key), step, value: "4".into() }).unwrap();
    let (step, message) = ("ask#2".to_owned(), "no".to_owned());
    store.request(&Request::Fail { key, step, message }).unwrap();
    until_pending(&engine, &["ask#2/0/ask#3"]);
    engine.resolve("k", "ask#2/0/ask#3", 1_u32).unwrap();
    let report = wait(handle);
    assert_eq!(report.step("ask").unwrap().value::<u32>().unwrap(), &4);
    assert_eq!(exception(&report, "ask#2").message(), "no");
}

#[test]
fn a_body_knows_what_the_world_outside_needs_to_answer() {
    let mut events = Events::new();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = Arc::clone(&seen);
    events.add("items", |_| Outcome::success(vec![1_u32]));
    events
        .add("ask", move |ctx| {
            let (key, step) = (ctx.run_key(), ctx.step_address());
            notes.lock().unwrap().push(format!("{key:?} {step}"));
            Outcome::success(1_u32)
        })
        .each_of::<u32>();
    let plan = events.plan("items |-> ask[each]");
    run(&engine(&Arc::new(MemoryStore::new()), &plan), &plan).unwrap();
    Engine::new().run_plan(&plan, Inputs::new()).unwrap();
    assert_eq!(*seen.lock().unwrap(), [r#"Some("k") ask[0]"#, "None ask[0]"]);
}
