//! R6: the status of a run, and that nothing is swallowed.

use super::support::*;

#[test]
fn a_failure_that_nobody_handles_fails_the_run_even_if_later_steps_succeed() {
    let registry = registry();
    for (flow, status) in [
        ("S", Status::Succeeded),
        ("F", Status::Failed),
        ("P", Status::Failed),
        ("F -> S", Status::Failed),
        ("P -> S -> S", Status::Failed),
        ("F (0 -> S)", Status::Succeeded),
        ("P (0 -> S) -> S", Status::Succeeded),
        ("F (1 -> S)", Status::Failed),
        ("F (0 -> F)", Status::Failed),
        ("F (0 -> F (0 -> S))", Status::Succeeded),
        ("S (1 -> F)", Status::Failed),
        ("S (0 -> F)", Status::Succeeded),
        ("S || F", Status::Failed),
        ("S || F (0 -> S)", Status::Succeeded),
        ("{S || F} (0 -> S)", Status::Succeeded),
        ("{F -> S} (0 -> S)", Status::Succeeded),
        ("{F -> S} (1 -> S)", Status::Failed),
        ("{S -> {F} (0 -> S)} (0 -> F)", Status::Succeeded),
        ("S[stop_on_success] -> F", Status::Stopped),
        ("F[stop_on_error] (0 -> S)", Status::Stopped),
    ] {
        assert_eq!(run(&registry, flow).status(), status, "{flow}");
    }
}

#[test]
fn the_report_lists_every_step_in_script_order_with_the_reason_it_did_not_run() {
    let report = run(&registry(), "S (0 -> F, 1 -> S -> P (1 -> S)) -> S[stop_on_success] -> F");
    let lines: Vec<String> =
        report.steps().map(|step| format!("{}: {}", step.path(), step.sentence())).collect();
    assert_eq!(
        lines,
        [
            "S: success",
            "S/0/F: not run: branch 0 of `S` was not taken",
            "S/1/S#2: success",
            "S/1/P: broke",
            "S/1/P/1/S#3: not run: branch 1 of `P` was not taken",
            "S#4: success",
            "F#2: not run: the run ended at `S#4`",
        ]
    );
}

#[test]
fn the_error_of_a_failed_run_names_the_step_that_nobody_handled_with_its_whole_chain() {
    let mut registry = registry();
    registry.event("Deep", |_: &Context| Err::<(), _>(Outer(Outer(Broke))));
    for (flow, says) in [
        ("Deep", "flow failed at `Deep`: outer: outer: broke"),
        ("S -> Deep * 2", "flow failed at `Deep` after 2 attempts: outer: outer: broke"),
        ("F (0 -> S) -> P", "flow failed at `P`: broke"),
        ("{F} (0 -> S) -> P", "flow failed at `P`: broke"),
        (
            "{F || S}[execution_evaluation_state = SuccessForPartialSuccess] -> P",
            "flow failed at `P`: broke",
        ),
        ("F (0 -> P)", "flow failed at `F/0/P`: broke"),
        ("S[stop_on_success]", "flow was stopped at `S` by `stop_on_success`"),
    ] {
        assert_eq!(run(&registry, flow).ok().unwrap_err().to_string(), says, "{flow}");
    }
    assert!(run(&registry, "S").ok().is_ok());
}

#[test]
fn a_program_can_read_the_report_as_json() {
    let mut registry = registry();
    registry.event("N", |_: &Context| Outcome::success(7_u32)).output_json();
    let report = run(&registry, "N -> P * 2 (0 -> S, 1 -> S)");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["status"], "succeeded");
    assert_eq!(json["run"], report.run_id().to_string());
    let step = |at: usize| &json["steps"][at];
    assert_eq!(step(0)["value"], 7);
    assert_eq!(step(0)["reason"], serde_json::Value::Null);
    assert_eq!(step(1)["outcome"], "exception");
    assert_eq!(step(1)["attempts"], 2);
    assert_eq!(step(1)["wait_seconds"], serde_json::json!([0.05]));
    assert_eq!(step(1)["errors"], serde_json::json!(["broke"]));
    assert_eq!(step(3)["outcome"], "not_run");
    assert_eq!(step(3)["path"], "P/1/S#2");
}

#[test]
fn asking_a_report_for_what_it_does_not_have_says_why() {
    let registry = typed_registry();
    let report = run(&registry, "S (0 -> S) -> F");
    let says = |error: Error| error.to_string();
    assert_eq!(says(report.output::<u32>().unwrap_err()), "`F` yielded nothing: no");
    assert!(
        says(run(&registry, "S").output::<String>().unwrap_err())
            .contains("`S` yielded a `u32`, not a `String`")
    );
    assert!(
        says(run(&registry, "S || S").output::<u32>().unwrap_err())
            .contains("several steps side by side")
    );
    assert!(
        says(run(&registry, "S").get::<Take>().unwrap_err())
            .contains("does not stand in this flow")
    );
    let twice = run(&registry, "S |-> Take |-> Take");
    assert!(says(twice.get::<Take>().unwrap_err()).contains("several steps"));
    assert_eq!(twice.steps_of::<Take>().count(), 2);
    assert!(report.step("nowhere").is_none() && report.step("S/0/S").is_none());
}

/// What a user's text says is read; it does nothing to the terminal, and the table stands.
#[test]
fn a_report_shows_texts_of_users_without_obeying_them() {
    let mut registry = registry();
    registry.event("Evil", |_: &Context| {
        Outcome::<()>::failure("\x1b]0;x\x07\x1b[31mred\nsecond line\u{202e}")
    });
    let report = run(&registry, "Evil -> S");
    let said = report.to_string();
    let hidden = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
    assert!(!said.contains(hidden), "{said:?}");
    let rows: Vec<&str> = said.lines().map(|line| line.split("  [").next().unwrap()).collect();
    let expected = [
        r"  x Evil  \u{1b}]0;x\u{7}\u{1b}[31mred",
        r"          second line\u{202e}",
        "  + S     success",
    ];
    assert_eq!(rows[1..], expected);
    assert_eq!(report.step("Evil").unwrap().sentence().lines().count(), 2, "programs get it whole");
    let error = report.ok().unwrap_err().to_string();
    assert!(!error.contains(hidden) && error.contains(r"\u{1b}[31mred"), "{error:?}");
}
