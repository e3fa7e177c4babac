//! R10: an event chooses its branch.

use super::support::*;

fn jumps() -> Registry {
    let mut registry = registry();
    registry.event("G", |_: &Context| Outcome::goto(101, 5_u32));
    registry.event("Bad", |_: &Context| Outcome::goto(101, 6_u32).failed().reason("not today"));
    registry.event("Named", |_: &Context| Outcome::goto("premium", 7_u32));
    registry.event("Zero", |_: &Context| Outcome::goto(0, 8_u32).reason("to the failures"));
    registry.event("LOOK", |ctx: &Context| {
        let seen = &ctx.previous()[0];
        Outcome::success(match seen.failure() {
            None => format!("value {}", seen.value::<u32>().unwrap()),
            Some(failure) => format!("failure {failure}, {:?}", failure.value::<u32>()),
        })
    });
    registry
}

#[test]
fn a_goto_takes_its_branch_with_its_value_even_if_it_counts_as_a_failure() {
    let registry = jumps();
    for (flow, saw) in [
        ("G (101 |-> LOOK)", "value 5"),
        ("G (0 -> F, 1 -> F, 101 |-> LOOK)", "value 5"),
        ("Bad (0 -> F, 101 |-> LOOK)", "value 6"),
        ("Named (premium |-> LOOK)", "value 7"),
        ("Zero (0 |-> LOOK)", "failure to the failures, Some(8)"),
        ("G (101 -> S) |-> LOOK", "value 1"),
    ] {
        let report = run(&registry, flow);
        assert!(report.is_success(), "{flow}\n{report}");
        assert_eq!(report.output::<String>().unwrap(), saw, "{flow}");
    }
}

#[test]
fn a_goto_goes_on_after_its_branch_and_keeps_its_result_in_the_report() {
    let report = run(&jumps(), "G (101 -> S) -> COUNT");
    assert_eq!(ran(&report), ["G", "G/101/S", "COUNT"]);
    let step = report.step("G").unwrap();
    assert_eq!(step.value::<u32>().unwrap(), &5);
    let StepOutcome::Goto { descriptor, reason, failed } = step.outcome() else { panic!() };
    assert_eq!((descriptor, &*reason, failed), (Descriptor::from(101), "manual", false));
    let report = run(&jumps(), "Bad (101 -> S)");
    let StepOutcome::Goto { reason, failed, .. } = report.step("Bad").unwrap().outcome() else {
        panic!()
    };
    assert_eq!((&*reason, failed), ("not today", true));
}

#[test]
fn a_goto_without_its_branch_ends_the_run_and_lists_the_branches_there_are() {
    let registry = jumps();
    for (flow, says) in [
        ("G -> S", "no branches"),
        ("G (0 -> S, 1 -> S, premium -> S) -> S", "only `0`, `1`, `premium`"),
        ("{G} (101 -> S) -> S", "no branches"),
        ("{G -> S} (0 -> S)", "no branches"),
    ] {
        let report = run(&registry, flow);
        assert_eq!(report.status(), Status::Failed, "{flow}");
        let (step, exception) = report.broken_at().unwrap();
        assert_eq!(
            (step.event(), exception.kind()),
            ("G", ExceptionKind::NoSuchDescriptor),
            "{flow}"
        );
        let text = exception.to_string();
        assert!(text.contains("`101`") && text.contains(says), "{flow}: {text}");
        assert_eq!(ran(&report), ["G"], "{flow}");
        assert!(report.step("G").unwrap().value::<u32>().is_ok(), "the step keeps its value");
        assert!(report.ok().unwrap_err().to_string().contains("`101`"));
    }
}

#[test]
fn a_goto_counts_for_the_stop_conditions_by_its_own_status() {
    let registry = jumps();
    for (flow, stopped) in [
        ("G[stop_on_success] (101 -> S)", true),
        ("G[stop_on_error] (101 -> S)", false),
        ("Bad[stop_on_success] (101 -> S)", false),
        ("Bad[stop_on_error] (101 -> S)", true),
        ("Bad[stop_on_exception] (101 -> S)", false),
    ] {
        assert_eq!(run(&registry, flow).status() == Status::Stopped, stopped, "{flow}");
    }
}

#[test]
fn the_same_descriptor_twice_is_refused() {
    assert!(Flow::parse("G (101 -> S, 101 -> F)").is_err());
    assert!(Flow::parse("G (a -> S, a -> F)").is_err());
}
