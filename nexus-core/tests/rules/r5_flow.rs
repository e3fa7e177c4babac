//! R5: what runs after what, and what it is handed.

use super::support::*;

#[test]
fn the_next_step_runs_whatever_the_one_before_said() {
    let registry = registry();
    for flow in ["S -> COUNT", "F -> COUNT", "P -> COUNT"] {
        let report = run(&registry, flow);
        assert_eq!(ran(&report).len(), 2, "{flow}");
        assert_eq!(report.output::<u32>().unwrap(), &0, "{flow} handed something on");
    }
}

#[test]
fn a_value_goes_along_a_piped_arrow_and_a_group_hands_on_all_in_script_order() {
    let mut registry = registry();
    for (name, number) in [("A", 1_u32), ("B", 20), ("C", 300)] {
        registry.event(name, move |_: &Context| Outcome::success(number));
    }
    registry.event("LIST", |ctx: &Context| {
        let seen: Vec<String> = ctx
            .previous()
            .iter()
            .map(|seen| match seen.failure() {
                None => seen.value::<u32>().unwrap().to_string(),
                Some(failure) => failure.to_string(),
            })
            .collect();
        Outcome::success(seen.join(" "))
    });
    for (flow, seen) in [
        ("A |-> LIST", "1"),
        ("A || B || C |-> LIST", "1 20 300"),
        ("C || F || P || A |-> LIST", "300 no broke 1"),
        ("A || {B -> C} |-> LIST", "1 300"),
        ("A || {B || C} |-> LIST", "1 20 300"),
        ("A |-> {LIST}", "1"),
        ("{A -> B} |-> LIST", "20"),
        ("A (1 -> B) |-> LIST", "20"),
        ("A (0 -> B) |-> LIST", "1"),
        ("A (1 |-> LIST)", "1"),
        ("F (0 |-> LIST)", "no"),
        ("P (0 |-> LIST)", "broke"),
        ("{A -> F} (0 |-> LIST)", "`F`: no"),
        ("{F || P} (0 |-> LIST)", "`F`: no (and 1 more)"),
        // Who handled a failure already is not blamed for the brackets.
        ("{{F} (0 -> A) -> P} (0 |-> LIST)", "`P`: broke"),
        (
            "{{F || A}[execution_evaluation_state = SuccessForPartialSuccess] -> P} (0 |-> LIST)",
            "`P`: broke",
        ),
        ("{F (0 -> P)} (0 |-> LIST)", "`P`: broke"),
        ("A -> LIST", ""),
    ] {
        let report = run(&registry, flow);
        assert_eq!(report.output::<String>().unwrap(), seen, "{flow}\n{report}");
    }
}

#[test]
fn every_member_of_a_group_gets_what_came_along() {
    let report = run(&registry(), "S |-> SUM || SUM || {SUM -> SUM}");
    let values: Vec<u32> =
        report.steps().skip(1).map(|step| *step.value::<u32>().unwrap()).collect();
    assert_eq!(values, [1, 1, 1, 0]);
}

#[test]
fn a_branch_runs_for_its_outcome_only_and_then_the_flow_goes_on() {
    let mut registry = registry();
    for name in ["X", "Y", "Z", "D"] {
        registry.event(name, |_: &Context| Outcome::success(()));
    }
    for (flow, went) in [
        ("S (0 -> X, 1 -> Y, 7 -> Z) -> D", "S S/1/Y D"),
        ("F (0 -> X, 1 -> Y, 7 -> Z) -> D", "F F/0/X D"),
        ("P (0 -> X, 1 -> Y) -> D", "P P/0/X D"),
        ("S (0 -> X) -> D", "S D"),
        ("F (1 -> X) -> D", "F D"),
        ("F (0 -> X -> Y -> Z) -> D", "F F/0/X F/0/Y F/0/Z D"),
        ("{S -> F} (0 -> X, 1 -> Y) -> D", "S F {S}/0/X D"),
        ("{S -> S} (0 -> X, 1 -> Y) -> D", "S S#2 {S}/1/Y D"),
        ("S || F (0 -> X) -> D", "S F F/0/X D"),
        ("F (0 -> P (0 -> Y)) -> D", "F F/0/P F/0/P/0/Y D"),
        ("S -> (X || Y) -> D", "S X Y D"),
    ] {
        let report = run(&registry, flow);
        assert_eq!(ran(&report).join(" "), went, "{flow}");
    }
}

#[test]
fn a_failure_carries_its_data_and_its_exception_into_the_branch() {
    let mut registry = registry();
    registry.event("Refuse", |_: &Context| Outcome::<u32>::failure_with("too many", 7_u32));
    registry.event("Tuple", |_: &Context| (false, 9_u32));
    registry.event("LOOK", |ctx: &Context| {
        let failure = ctx.previous()[0].failure().unwrap();
        Outcome::success((
            failure.value::<u32>().copied(),
            failure.exception().is_some_and(|e| e.find::<Broke>().is_some()),
        ))
    });
    for (flow, seen) in [
        ("Refuse (0 |-> LOOK)", (Some(7), false)),
        ("Refuse |-> LOOK", (Some(7), false)),
        ("Tuple (0 |-> LOOK)", (Some(9), false)),
        ("P (0 |-> LOOK)", (None, true)),
    ] {
        assert_eq!(run(&registry, flow).output::<(Option<u32>, bool)>().unwrap(), &seen, "{flow}");
    }
}

#[test]
fn a_typed_step_gets_its_value_and_a_pair_both() {
    let registry = typed_registry();
    assert_eq!(run(&registry, "S |-> Take").output::<u32>().unwrap(), &2);
    assert_eq!(run(&registry, "S || S |-> Pair").output::<String>().unwrap(), "1, 1");
    assert_eq!(run(&registry, "S |-> Take |-> Either").output::<String>().unwrap(), "got 2");
    assert_eq!(run(&registry, "F |-> Either").output::<String>().unwrap(), "not: no");
    assert_eq!(run(&registry, "P (0 |-> Reason)").output::<String>().unwrap(), "broke");
}

#[test]
fn an_edge_without_a_value_ends_the_run_and_names_both_ends_and_the_cure() {
    let registry = typed_registry();
    for flow in
        ["F |-> Take -> S", "P |-> Take -> S", "S || F |-> Pair -> S", "F |-> Take * 3 -> S"]
    {
        let report = run(&registry, flow);
        assert_eq!(report.status(), Status::Failed, "{flow}");
        let (step, exception) =
            report.broken_at().unwrap_or_else(|| panic!("{flow} is not broken"));
        assert!(["Take", "Pair"].contains(&step.event()), "{flow}");
        assert_eq!(exception.kind(), ExceptionKind::Edge);
        assert_eq!(step.attempts(), 1, "an edge is not tried again");
        let text = exception.to_string();
        assert!(text.contains("did not succeed") && text.contains("`0` branch"), "{text}");
        let last = report.steps().last().unwrap();
        assert!(!last.ran());
        assert!(matches!(last.outcome(), StepOutcome::NotRun(NotRun::RunEnded { .. })));
    }
    // The failure that led here is named by its step.
    let report = run(&registry, "F |-> Take");
    let text = report.broken_at().unwrap().1.to_string();
    assert!(text.starts_with("no value along `F |-> Take`: "), "{text}");
}

#[test]
fn a_missing_value_is_no_matter_where_the_failing_step_has_a_branch() {
    let report = run(&typed_registry(), "F (0 -> S) |-> Take");
    assert_eq!(report.output::<u32>().unwrap(), &2);
    assert!(report.is_success());
}

#[test]
fn wrong_wires_are_refused_before_anything_runs() {
    let registry = typed_registry();
    for (flow, says) in [
        ("S -> Take", "nothing is piped into it here"),
        ("Either |-> Item", "`Either` yields `String`, but `Item` takes `u32`"),
        ("S || S || S |-> Pair", "(u32, u32, u32)"),
        ("S -> Item[each]", "nothing is piped"),
        ("S |-> NeedsPool", "takes nothing along"),
    ] {
        let text = refusal(&registry, flow);
        assert!(text.contains(says), "{flow}: {text}");
    }
}
