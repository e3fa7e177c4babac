//! R3: what an event made of a closure may return, and what its bypass check may say.

use super::support::*;

/// 0 fails, 1 breaks, all others succeed.
fn nested(number: u32) -> Result<Outcome<u32>, Broke> {
    match number {
        0 => Ok(Outcome::failure("no")),
        1 => Err(Broke),
        number => Ok(Outcome::success(number)),
    }
}

/// How `A`, whatever it does, ends: what a user reads of it in the report.
fn end(registry: &Registry) -> String {
    let report = run(registry, "A (9 -> S)");
    match report.step("A").unwrap().outcome() {
        StepOutcome::Success => format!("{:?}", report.step("A").unwrap().value::<u32>().ok()),
        StepOutcome::Failure(failure) => format!("failure {failure}"),
        StepOutcome::Exception(exception) => format!("exception {exception}"),
        StepOutcome::Goto { descriptor, .. } => format!("goto {descriptor}"),
        other => format!("{other:?}"),
    }
}

/// One row: what a closure returns, and how its event ends; the same as a mock of an event.
macro_rules! ends {
    ($($body:expr => $end:literal),+ $(,)?) => {$(
        let mut made = registry();
        made.event("A", $body);
        assert_eq!(end(&made), $end, "{}", stringify!($body));
        let mut mocked = registry();
        mocked.event("A", |_: &Context| Outcome::success(1_u32));
        let engine = TestEngine::new().mock("A", $body).build().unwrap();
        let (of_mock, of_event) = (run_on(&engine, &mocked, "A (9 -> S)"), run(&made, "A (9 -> S)"));
        assert_eq!(of_mock.to_string(), of_event.to_string(), "{}", stringify!($body));
    )+};
}

#[test]
fn a_closure_and_a_mock_return_all_that_an_event_may_return() {
    ends! {
        |_: &Context| Outcome::success(7_u32) => "Some(7)",
        |_: &Context| Outcome::<u32>::failure("no") => "failure no",
        |_: &Context| Outcome::goto(9, 7_u32) => "goto 9",
        |_: &Context| Ok::<u32, Broke>(7) => "Some(7)",
        |_: &Context| Err::<u32, Broke>(Broke) => "exception broke",
        |_: &Context| nested(7) => "Some(7)",
        |_: &Context| nested(0) => "failure no",
        |_: &Context| nested(1) => "exception broke",
        |_: &Context| Ok::<Outcome<u32>, Broke>(Outcome::failure("no")) => "failure no",
        |_: &Context| Ok::<_, Broke>(Outcome::goto(9, 7_u32)) => "goto 9",
        |_: &Context| (true, 7_u32) => "Some(7)",
        |_: &Context| (false, 7_u32) => "failure the event returned false",
    }
}

#[test]
fn what_a_nested_outcome_holds_is_piped_on() {
    let mut registry = typed_registry();
    registry.event("A", |_: &Context| nested(7));
    assert_eq!(run(&registry, "A |-> Take").output::<u32>().unwrap(), &8);
}

#[test]
fn a_bypass_check_may_break_and_gives_a_value_of_its_event() {
    let mut registry = typed_registry();
    let settled = |answer: fn(&Context) -> Result<Bypass<u32>, Broke>| answer;
    registry
        .event("Cached", |_: &Context| nested(7))
        .bypass(settled(|_| Ok(Bypass::skip_with("cached", 4))));
    registry.event("Broken", |_: &Context| nested(7)).bypass(settled(|_| Err(Broke)));
    registry.event("Plain", |_: &Context| nested(7)).bypass(|_| Bypass::skip_with("known", 5));
    assert_eq!(run(&registry, "Cached |-> Take").output::<u32>().unwrap(), &5);
    assert_eq!(run(&registry, "Plain |-> Take").output::<u32>().unwrap(), &6);
    let broken = run(&registry, "Broken (0 -> S)");
    let outcome = broken.step("Broken").unwrap().outcome();
    assert!(matches!(outcome, StepOutcome::Exception(broke) if broke.message() == "broke"));
    assert!(broken.is_success());
}
