//! R8: what makes a step of many tasks a success.

use std::sync::mpsc;

use super::support::*;

/// For each state: all succeed, some fail, all fail, no tasks.
const TABLE: [(&str, [bool; 4]); 4] = [
    ("SuccessOnAllEventsSuccess", [true, false, false, true]),
    ("FailureForPartialError", [true, false, false, true]),
    ("SuccessForPartialSuccess", [true, true, false, false]),
    ("FailureForAllEventsFailure", [true, true, false, true]),
];

#[test]
fn a_group_counts_as_its_brackets_say() {
    let registry = registry();
    for (state, expected) in TABLE {
        for (members, success) in ["S || S", "S || F || P", "F || P || F"].into_iter().zip(expected)
        {
            let flow = format!("{{{members}}}[execution_evaluation_state = {state}]");
            let report = run(&registry, &flow);
            assert_eq!(report.is_success(), success, "{flow}");
            let branch = run(&registry, &format!("{flow} (0 -> COUNT, 1 -> SUM)"));
            let last = branch.steps().filter(StepReport::ran).last().unwrap();
            assert_eq!(last.event(), if success { "SUM" } else { "COUNT" }, "{flow}");
            assert!(branch.is_success());
        }
    }
    assert!(!run(&registry, "S || F").is_success(), "the default is that all must succeed");
}

#[test]
fn a_group_takes_the_state_of_the_nearest_brackets() {
    let registry = registry();
    let partial = "execution_evaluation_state = SuccessForPartialSuccess";
    let all = "execution_evaluation_state = SuccessOnAllEventsSuccess";
    for (flow, success) in [
        (format!("{{S -> {{S || F}}}}[{partial}]"), true),
        (format!("{{S -> {{S || F}}[{all}]}}[{partial}]"), false),
        (format!("{{{{S || F}}[{partial}] || F (0 -> S)}}"), true),
        (format!("S[{partial}] || F[{partial}]"), false),
        (format!("{{S || F}}[{partial}] -> S || F"), false),
        (format!("{{F}}[{partial}]"), false),
    ] {
        assert_eq!(run(&registry, &flow).is_success(), success, "{flow}");
    }
}

fn feed(registry: &mut Registry, items: &[u32]) {
    let items = items.to_vec();
    registry.event("Feed", move |_: &Context| Outcome::success(items.clone()));
}

#[test]
fn an_each_step_counts_as_its_state_says() {
    for (state, expected) in TABLE {
        for (items, success) in
            [&[2, 3, 4][..], &[2, 0, 1, 5], &[0, 1], &[]].into_iter().zip(expected)
        {
            let mut registry = typed_registry();
            feed(&mut registry, items);
            let report = run(
                &registry,
                &format!("Feed |-> Item[each, execution_evaluation_state = {state}]"),
            );
            assert_eq!(report.is_success(), success, "{state} of {items:?}: {report}");
            assert_eq!(report.step("Item").unwrap().is_success(), success);
        }
    }
}

#[test]
fn an_each_step_hands_on_the_values_of_its_successes_in_order_and_reports_the_rest() {
    let mut registry = typed_registry();
    feed(&mut registry, &[9, 0, 8, 1, 7]);
    let report = run(
        &registry,
        "Feed |-> Item[each, execution_evaluation_state = SuccessForPartialSuccess]",
    );
    assert_eq!(report.output::<Vec<u32>>().unwrap(), &[90, 80, 70]);
    assert_eq!(report.get_each::<Item>().unwrap(), &[90, 80, 70]);
    let StepOutcome::Each { total, failures, verdict, .. } = report.step("Item").unwrap().outcome()
    else {
        panic!()
    };
    assert_eq!((total, verdict.is_none()), (5, true));
    let failures: Vec<(u64, String)> =
        failures.iter().map(|(item, failure)| (*item, failure.to_string())).collect();
    assert_eq!(failures, [(1, "no".to_owned()), (3, "broke".to_owned())]);
}

#[test]
fn an_observer_does_not_cost_an_each_step_its_values() {
    struct Deaf;
    impl Observer for Deaf {}
    let mut registry = typed_registry();
    feed(&mut registry, &[2, 3]);
    let engine = TestEngine::new().observer(Deaf).build().unwrap();
    let report = run_on(&engine, &registry, "Feed |-> Item[each] -> S");
    assert_eq!(report.get_each::<Item>().unwrap(), &[20, 30]);
}

#[test]
fn an_each_step_retries_each_item_by_itself() {
    let mut registry = typed_registry();
    feed(&mut registry, &[2, 1, 3, 1]);
    let report = run(&registry, "Feed |-> Item[each] * 3");
    let step = report.step("Item").unwrap();
    assert_eq!(step.attempts(), 2 + 2 * 3);
    assert_eq!(step.waits().len(), 4);
}

/// Counts the items that are done.
struct Counts(Log);
impl Observer for Counts {
    fn event_execution_end(&self, step: &StepEvent<'_>, _: Ended<'_>) {
        if step.event() == "Item" {
            self.0.add("");
        }
    }
}

#[test]
fn an_each_step_runs_over_a_group_and_over_a_stream_with_a_window() {
    let registry = typed_registry();
    let report = run(&registry, "{S || SUM || S} |-> Either[each]");
    assert_eq!(report.output::<Vec<String>>().unwrap(), &["got 1", "got 0", "got 1"]);
    let mut registry = typed_registry();
    let (pulled, done) = (Log::default(), Log::default());
    let (seen, ended) = (pulled.clone(), done.clone());
    registry.event("Stream", move |_: &Context| {
        let (pulled, done) = (pulled.clone(), done.clone());
        Outcome::success(Items::new((2..1000_u32).inspect(move |item| {
            pulled.add(item.to_string());
            let ahead = pulled.lines().len() - done.lines().len();
            assert!(ahead <= 4, "the stream is {ahead} items ahead");
        })))
    });
    let engine = TestEngine::new().observer(Counts(ended)).build().unwrap();
    let report = run_on(&engine, &registry, "Stream |-> Item[each, max_concurrency = 4]");
    assert!(report.is_success(), "{report}");
    assert_eq!(report.output::<Vec<u32>>().unwrap().len(), 998);
    assert_eq!(seen.lines().len(), 998);
}

#[test]
fn the_first_failure_cancels_the_other_members_and_discards_their_late_results() {
    let mut registry = registry();
    let (begun, begins) = mpsc::channel();
    let begins = std::sync::Mutex::new(begins);
    registry.event("Long", move |ctx: &Context| {
        begun.send(()).unwrap();
        let until = std::time::Instant::now() + PATIENCE / 2;
        while !ctx.is_cancelled() && std::time::Instant::now() < until {
            std::thread::yield_now();
        }
        Outcome::success(ctx.is_cancelled())
    });
    registry.event("Fail", move |_: &Context| {
        begins.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        Outcome::<bool>::failure("first")
    });
    let report = run(
        &registry,
        "{{Long -> S} || P[retry_policy = {backoff_factor: 3600, max_backoff: 3600}] || Fail}[execution_evaluation_state = FailureForPartialError] (0 |-> COUNT)",
    );
    assert!(report.is_success(), "{report}");
    assert_eq!(ran(&report), ["Fail", "{Long}/0/COUNT"]);
    for path in ["Long", "P"] {
        let outcome = report.step(path).unwrap().outcome();
        assert!(
            matches!(outcome, StepOutcome::NotRun(NotRun::Cancelled { .. })),
            "{path}: {outcome:?}"
        );
    }
    // Nobody waits for the hour of the cancelled retry.
    assert_eq!(report.elapsed().as_secs(), 0);
}

#[test]
fn only_the_members_of_the_group_itself_are_cancelled() {
    let registry = registry();
    let flow = "{F || F}[execution_evaluation_state = FailureForPartialError] || {S -> S}";
    let report = run(&registry, flow);
    assert_eq!(report.status(), Status::Failed);
    assert!(report.step("S").unwrap().ran() && report.step("S#2").unwrap().ran());
}

#[test]
fn the_first_failed_item_cancels_the_rest_of_an_each_step() {
    let mut registry = typed_registry();
    let items: Vec<u32> = std::iter::once(0).chain(2..500).collect();
    feed(&mut registry, &items);
    let report = run(
        &registry,
        "Feed |-> Item[each, max_concurrency = 2, execution_evaluation_state = FailureForPartialError]",
    );
    let step = report.step("Item").unwrap();
    assert!(step.attempts() <= 3, "{} items ran", step.attempts());
    assert!(step.sentence().contains("item 0: no"), "{}", step.sentence());
}

#[test]
fn a_member_without_items_that_decides_its_group_leaves_the_later_members_alone() {
    let mut registry = typed_registry();
    registry.event("None", |_: &Context| Outcome::success(Vec::<u32>::new()));
    let empty = "{Item[each, execution_evaluation_state = SuccessForPartialSuccess]}";
    for (flow, status, later) in [
        (
            format!(
                "None |-> {{{empty} || S}}[execution_evaluation_state = FailureForPartialError] -> S"
            ),
            Status::Failed,
            vec!["S#2"],
        ),
        (format!("None |-> {empty}[stop_on_error] || S -> S"), Status::Stopped, vec![]),
    ] {
        let report = run(&registry, &flow);
        assert_eq!(report.status(), status, "{flow}\n{report}");
        let ran: Vec<String> =
            ran(&report).into_iter().filter(|path| path.starts_with('S')).collect();
        assert_eq!(ran, later, "{flow}\n{report}");
    }
}
