//! R9: what ends a run before its end.

use std::sync::mpsc;

use super::support::*;

#[test]
fn a_stop_condition_ends_the_run_at_its_outcome_and_at_no_other() {
    let registry = registry();
    for (event, condition, stops) in [
        ("S", "stop_on_success", true),
        ("S", "stop_on_error", false),
        ("S", "stop_on_exception", false),
        ("F", "stop_on_success", false),
        ("F", "stop_on_error", true),
        ("F", "stop_on_exception", false),
        ("P", "stop_on_success", false),
        ("P", "stop_on_error", true),
        ("P", "stop_on_exception", true),
    ] {
        let report = run(&registry, &format!("S -> {event}[{condition}] (0 -> S, 1 -> S) -> S"));
        let stopped = report.stopped_by().map(|(step, condition)| (step.event(), condition.name()));
        assert_eq!(stopped, stops.then_some((event, condition)), "{event}[{condition}]");
        assert_eq!(report.status() == Status::Stopped, stops);
        assert_eq!(
            ran(&report).len(),
            if stops { 2 } else { 4 },
            "{event}[{condition}]: no branch, no next step"
        );
    }
}

#[test]
fn the_stopping_event_keeps_its_value_and_the_flow_can_overrule_the_event() {
    let mut registry = registry();
    registry.event("Stops", |_: &Context| Outcome::success(7_u32)).stop_on_success(true);
    let report = run(&registry, "Stops -> S");
    assert_eq!(report.status(), Status::Stopped);
    assert_eq!(report.step("Stops").unwrap().value::<u32>().unwrap(), &7);
    for (flow, status) in [
        ("Stops[stop_on_success = false] -> S", Status::Succeeded),
        ("{Stops -> S}[stop_on_success = false]", Status::Succeeded),
        ("{Stops[stop_on_success = false] -> S}[stop_on_success]", Status::Stopped),
        ("{Stops[stop_on_success] -> S}[stop_on_success = false]", Status::Stopped),
    ] {
        assert_eq!(run(&registry, flow).status(), status, "{flow}");
    }
}

#[test]
fn the_nearest_stop_condition_holds() {
    let registry = registry();
    for condition in ["stop_on_error", "stop_on_exception"] {
        for (flow, stops) in [
            ("{P[C = false] -> S}[C]", false),
            ("{P[C] -> S}[C = false]", true),
            ("{{P -> S}[C = false]}[C]", false),
            ("{{P -> S}}[C]", true),
            ("{S}[C] -> P", false),
            ("S[C] (1 -> P) -> S", false),
        ] {
            let flow = flow.replace('C', condition);
            assert_eq!(run(&registry, &flow).status() == Status::Stopped, stops, "{flow}");
        }
    }
}

#[test]
fn an_exception_stops_only_once_its_retries_are_used_up() {
    let mut registry = registry();
    registry.event("Twice", |ctx: &Context| if ctx.attempt() < 3 { Err(Broke) } else { Ok(()) });
    assert!(run(&registry, "Twice[stop_on_exception] * 3 -> S").is_success());
    let report = run(&registry, "Twice[stop_on_exception] * 2 -> S");
    assert_eq!(report.status(), Status::Stopped);
    assert_eq!(report.step("Twice").unwrap().attempts(), 2);
}

/// Tells when the stopping event's body has ended.
struct Tell(std::sync::Mutex<mpsc::Sender<()>>);
impl Observer for Tell {
    fn event_execution_end(&self, step: &StepEvent<'_>, _: Ended<'_>) {
        if step.event() == "Stops" {
            self.0.lock().unwrap().send(()).unwrap();
        }
    }
}

#[test]
fn siblings_in_flight_finish_with_their_retries_and_nothing_new_starts() {
    let mut registry = registry();
    let (begun, begins) = mpsc::channel();
    let begins = std::sync::Mutex::new(begins);
    let (stopped, stop) = mpsc::channel();
    let stop = std::sync::Mutex::new(stop);
    registry.event("Sibling", move |ctx: &Context| {
        if ctx.attempt() == 1 {
            begun.send(()).unwrap();
            stop.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
        if ctx.attempt() < 3 { Err(Broke) } else { Ok("late, but kept") }
    });
    registry.event("Stops", move |_: &Context| {
        begins.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        Outcome::<()>::failure("enough")
    });
    let engine = TestEngine::new().observer(Tell(std::sync::Mutex::new(stopped))).build().unwrap();
    let report =
        run_on(&engine, &registry, "Sibling * 3 (1 -> S) || Stops[stop_on_error] (0 -> S) -> S");
    assert_eq!(report.status(), Status::Stopped);
    assert_eq!(report.stopped_by().unwrap().0.path(), "Stops");
    let sibling = report.step("Sibling").unwrap();
    assert_eq!((sibling.attempts(), sibling.value::<&str>().unwrap()), (3, &"late, but kept"));
    assert_eq!(ran(&report), ["Sibling", "Stops"]);
}

#[test]
fn a_stop_starts_no_further_items_of_an_each_step() {
    let mut registry = typed_registry();
    registry.event("Feed", |_: &Context| Outcome::success((2..1000_u32).collect::<Vec<_>>()));
    registry.event("Stops", |_: &Context| Outcome::success(()));
    // All on the driving thread, in the order of the script: the first window of items, then the
    // stop, then what was under way.
    let flow = "Feed |-> {Item[each, max_concurrency = 8] || Stops[stop_on_success]}[executor = DefaultExecutor]";
    let report = run(&registry, flow);
    assert_eq!(report.status(), Status::Stopped);
    assert_eq!(report.step("Item").unwrap().attempts(), 16);
}

#[test]
fn a_branch_that_a_stop_kept_from_running_is_not_said_to_be_untaken() {
    let mut registry = Registry::new();
    registry.event("A", |_: &Context| Outcome::<()>::failure("no"));
    registry.event("X", |_: &Context| Outcome::success(()));
    let report = run(&registry, "A[stop_on_error] (0 -> X, 1 -> X) -> X");
    for path in ["A/0/X", "A/1/X#2", "X#3"] {
        let why = report.step(path).unwrap().sentence();
        assert_eq!(why, "not run: the run ended at `A`", "{path}");
    }
}

#[test]
fn a_stop_condition_of_an_each_step_looks_at_the_step_and_not_at_its_items() {
    let mut registry = typed_registry();
    registry.event("Feed", |_: &Context| Outcome::success(vec![2_u32, 0, 1, 3]));
    for (settings, status, items) in [
        ("stop_on_error", Status::Stopped, 4),
        ("stop_on_exception", Status::Stopped, 4),
        ("stop_on_success", Status::Failed, 4),
        (
            "stop_on_error, execution_evaluation_state = SuccessForPartialSuccess",
            Status::Succeeded,
            4,
        ),
        (
            "stop_on_success, execution_evaluation_state = SuccessForPartialSuccess",
            Status::Stopped,
            4,
        ),
        ("stop_on_error, execution_evaluation_state = FailureForPartialError", Status::Stopped, 2),
    ] {
        let report =
            run(&registry, &format!("Feed |-> Item[each, max_concurrency = 1, {settings}] -> S"));
        let StepOutcome::Each { total, .. } = report.step("Item").unwrap().outcome() else {
            panic!("{report}")
        };
        assert_eq!((report.status(), total), (status, items), "{settings}");
    }
}
