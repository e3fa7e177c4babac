//! R13: timeouts of events and of runs, on the virtual clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use crate::support::*;

const LIMIT: Duration = Duration::from_millis(200);

/// `H` hangs on a thread: a minute passes, and it does not return before the test lets it, though
/// it is told that nobody waits. On its second attempt it is quick.
fn hanging(clock: &testing::VirtualClock, gate: &Gate) -> Registry {
    let mut registry = registry();
    let (clock, gate) = (clock.clone(), gate.clone());
    registry
        .event("H", move |ctx: &Context| {
            if ctx.attempt() > 1 {
                return Outcome::success(2_u32);
            }
            clock.advance(Duration::from_mins(1));
            wait_until(|| ctx.is_cancelled());
            gate.wait();
            Outcome::success(1_u32)
        })
        .executor::<ThreadPoolExecutor>()
        .executor_config(ExecutorInitializerConfig::new().max_workers(1))
        .timeout(LIMIT);
    registry
}

fn timed_out(step: &StepReport<'_>) -> bool {
    match step.outcome() {
        StepOutcome::Exception(exception) => exception.kind() == ExceptionKind::Timeout,
        _ => false,
    }
}

#[test]
fn a_run_goes_on_without_a_body_on_a_thread_and_discards_what_it_says_later() {
    let test = TestEngine::new();
    let (clock, gate) = (test.clock(), Gate::default());
    let registry = hanging(&clock, &gate);
    let engine = test.build().unwrap();
    let report = run_on(&engine, &registry, "H -> S");
    let hung = report.step("H").unwrap();
    assert!(timed_out(&hung), "{report}");
    assert_eq!(hung.sentence(), "took longer than its timeout of 200ms");
    assert!(report.step("S").unwrap().is_success());
    assert_eq!(report.status(), Status::Failed);
    // The engine ends although the body still hangs.
    within(move || drop(engine));
    gate.open();
}

/// What the bodies of a run share of which the third takes too long.
struct ThirdIsSlow(testing::VirtualClock, Arc<AtomicU32>);

fn third_is_slow(ctx: &Context) -> Ends {
    let shared = ctx.state::<ThirdIsSlow>().unwrap();
    if shared.1.fetch_add(1, SeqCst) == 2 {
        shared.0.advance(Duration::from_mins(1));
        wait_until(|| ctx.is_cancelled());
    }
    outcome(Outcome::success(1_u32))
}

typed!(Count, Nothing => u32, &[], |inputs| third_is_slow(inputs.context()));
typed!(CountItem, ByRef<u32> => u32, &[PIPED], |inputs| third_is_slow(inputs.context()));

#[test]
fn a_run_whose_time_is_over_ends_between_two_steps_and_between_two_items_of_its_thread() {
    for flow in [
        "Count -> Count -> Count -> Count -> Count",
        "{Count || Count || Count || Count}[executor = DefaultExecutor] -> Count",
        "Count -> Count (1 -> Count) -> Count",
        "Feed |-> CountItem[each, executor = DefaultExecutor] -> Count",
    ] {
        let mut registry = registry();
        registry.event("Feed", |_: &Context| Outcome::success((0..100_u32).collect::<Vec<_>>()));
        registry.add::<Count>().add::<CountItem>();
        let test = TestEngine::new();
        let (clock, calls) = (test.clock(), Arc::default());
        let engine = test.state(ThirdIsSlow(clock, Arc::clone(&calls))).build().unwrap();
        let prepared = engine.prepare_plan(&plan(&registry, flow), Inputs::new()).unwrap();
        let report = within(move || prepared.timeout(LIMIT).run().unwrap());
        assert_eq!(report.status(), Status::TimedOut, "{flow}");
        assert_eq!(calls.load(SeqCst), 3, "{flow}");
    }
}

#[test]
fn a_late_result_does_not_stand_in_for_the_next_attempts() {
    let test = TestEngine::new();
    let (clock, gate) = (test.clock(), Gate::default());
    let mut registry = hanging(&clock, &gate);
    let inner = gate.clone();
    registry.event("open", move |_: &Context| {
        inner.open();
        Outcome::success(())
    });
    let engine = test.build().unwrap();
    let policy = "retry_policy = {max_attempts: 2, backoff_factor: 0}";
    let report = run_on(&engine, &registry, &format!("H[{policy}] -> open"));
    let step = report.step("H").unwrap();
    assert_eq!((step.attempts(), step.value::<u32>().unwrap()), (2, &2));
    assert!(report.is_success(), "{report}");
}

#[test]
fn a_worker_that_hangs_leaves_its_place_to_others() {
    let test = TestEngine::new();
    let (clock, gate) = (test.clock(), Gate::default());
    let registry = hanging(&clock, &gate);
    let engine = test.build().unwrap();
    // The same pool, of one worker, runs both steps.
    let config = "executor = ThreadPoolExecutor, executor_config = {max_workers: 1}";
    let report = run_on(&engine, &registry, &format!("H (0 -> S[{config}])"));
    assert!(report.is_success(), "{report}");
    gate.open();
}

#[test]
fn a_body_on_the_runs_own_thread_is_told_and_judged_when_it_returns() {
    let test = TestEngine::new();
    let clock = test.clock();
    let mut registry = registry();
    let told = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&told);
    registry
        .event("slow", move |ctx: &Context| {
            let left = ctx.deadline().unwrap().saturating_sub(ctx.now());
            seen.fetch_add(u32::from(left == LIMIT), SeqCst);
            clock.advance(LIMIT);
            wait_until(|| ctx.is_cancelled());
            seen.fetch_add(10, SeqCst);
            Outcome::success(1_u32)
        })
        .executor::<DefaultExecutor>()
        .timeout(LIMIT);
    let report = run_on(&test.build().unwrap(), &registry, "slow (0 -> S)");
    assert_eq!(told.load(SeqCst), 11, "the deadline, and that it was over, are known inside");
    assert!(timed_out(&report.step("slow").unwrap()), "{report}");
    assert!(report.is_success(), "the branch handles it: {report}");
}

#[test]
fn an_event_in_time_is_left_alone() {
    let mut registry = registry();
    for (name, pool) in [("here", false), ("there", true)] {
        let event = registry
            .event(name, |ctx: &Context| Outcome::success(ctx.deadline().is_some()))
            .timeout(LIMIT);
        if pool {
            event.executor::<ThreadPoolExecutor>()
        } else {
            event.executor::<DefaultExecutor>()
        };
    }
    let report = run(&registry, "here -> there -> here");
    assert!(report.is_success(), "{report}");
    assert!(report.steps().all(|step| *step.value::<bool>().unwrap()), "{report}");
}

// Hangs on the item 2.
typed!(Piece, ByRef<u32> => u32, &[PIPED], |inputs| {
    let (ctx, number) = (inputs.context(), *inputs.piped::<ByRef<u32>>()?);
    if number == 2 {
        let state = ctx.state::<(testing::VirtualClock, Gate)>().unwrap();
        state.0.advance(Duration::from_mins(1));
        wait_until(|| ctx.is_cancelled());
        state.1.wait();
    }
    outcome(Outcome::success(number * 10))
});

#[test]
fn one_item_of_many_may_take_too_long() {
    let test = TestEngine::new();
    let (clock, gate) = (test.clock(), Gate::default());
    let engine = test.state((clock, gate.clone())).build().unwrap();
    let mut registry = registry();
    registry.event("list", |_: &Context| Outcome::success(vec![1_u32, 2, 3]));
    registry.add::<Piece>();
    // One after the other: the time of an item that runs beside the second would be over as well.
    let settings = "each, max_concurrency = 1, timeout = \"200ms\", \
                    execution_evaluation_state = SuccessForPartialSuccess";
    let report = run_on(&engine, &registry, &format!("list |-> Piece[{settings}]"));
    let StepOutcome::Each { total, failures, .. } = report.step("Piece").unwrap().outcome() else {
        panic!("{report}");
    };
    let kinds: Vec<_> = failures
        .iter()
        .map(|(item, failure)| (*item, failure.exception().map(Exception::kind)))
        .collect();
    assert_eq!((total, kinds), (3, vec![(1, Some(ExceptionKind::Timeout))]));
    assert_eq!(report.get_each::<Piece>().unwrap(), &[10, 30]);
    gate.open();
}

#[test]
fn a_timeout_counts_from_the_bodys_beginning_not_from_the_queue() {
    let test = TestEngine::new();
    let clock = test.clock();
    let mut registry = registry();
    // Each takes most of its time; they run one after the other.
    registry
        .event("most", move |_: &Context| {
            clock.advance(Duration::from_millis(150));
            Outcome::success(())
        })
        .executor::<ThreadPoolExecutor>()
        .executor_config(ExecutorInitializerConfig::new().max_workers(1))
        .timeout(LIMIT);
    let report = run_on(&test.build().unwrap(), &registry, "most || most || most || most");
    assert!(report.is_success(), "{report}");
}

#[test]
fn a_runs_timeout_ends_a_wait_on_time() {
    let mut registry = registry();
    registry
        .event("never", |_: &Context| Err::<u32, _>(Broke))
        .retry_policy(RetryPolicy::builder().max_attempts(9).backoff_factor(4.0).build());
    let plan = plan(&registry, "never (0 -> S)");
    let engine = TestEngine::new().build().unwrap();
    let prepared = engine.prepare_plan(&plan, Inputs::new()).unwrap();
    let report = within(move || prepared.timeout(Duration::from_secs(5)).run().unwrap());
    assert_eq!(report.status(), Status::TimedOut);
    assert_eq!(report.elapsed(), Duration::from_secs(5), "not at the end of the wait");
    assert_eq!(report.step("never").unwrap().attempts(), 2);
    let reason = "the run's timeout was over".to_owned();
    for step in report.steps() {
        let StepOutcome::NotRun(NotRun::Cancelled { reason: why }) = step.outcome() else {
            panic!("{report}");
        };
        assert_eq!(why, reason);
    }
    assert!(report.ok().unwrap_err().to_string().contains("took longer than its timeout"));
}

#[test]
fn a_runs_timeout_does_not_wait_for_a_thread() {
    let test = TestEngine::new();
    let (clock, gate) = (test.clock(), Gate::default());
    let mut registry = registry();
    let inner = gate.clone();
    registry
        .event("hang", move |ctx: &Context| {
            clock.advance(Duration::from_mins(1));
            wait_until(|| ctx.is_cancelled());
            inner.wait();
            Outcome::success(())
        })
        .executor::<ThreadPoolExecutor>();
    let plan = plan(&registry, "hang -> S");
    let engine = test.build().unwrap();
    let prepared = engine.prepare_plan(&plan, Inputs::new()).unwrap();
    let report = within(move || prepared.timeout(Duration::from_secs(5)).run().unwrap());
    assert_eq!(report.status(), Status::TimedOut);
    within(move || drop(engine));
    gate.open();
}

#[test]
fn a_zero_timeout_is_refused_with_a_reason() {
    assert!(refusal(&registry(), "S[timeout = \"0s\"]").contains("timeout"));
}

/// The worker that has run `quick` takes `slow` next, and the run would hang if it forgot its time.
#[test]
fn an_async_event_has_its_time_beside_a_quick_one_of_the_same_worker() {
    let test = TestEngine::new();
    let clock = test.clock();
    let one = || ExecutorInitializerConfig::new().max_concurrency(1);
    let mut registry = registry();
    registry
        .async_event("quick", |_: &Context| Box::pin(async { Outcome::success(1_u32) }))
        .executor_config(one());
    registry
        .async_event("slow", move |_: &Context| {
            let clock = clock.clone();
            Box::pin(async move {
                clock.advance(Duration::from_mins(1));
                std::future::pending::<Outcome<u32>>().await
            })
        })
        .executor_config(one())
        .timeout(LIMIT);
    let engine = test.build().unwrap();
    let report = within(move || run_on(&engine, &registry, "quick || slow"));
    assert!(timed_out(&report.step("slow").unwrap()), "{report}");
    assert!(report.step("quick").unwrap().is_success());
}
