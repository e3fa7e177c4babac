//! A report's picture says of each step what the report says of it.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use nexus_core::{Bypass, Context, Engine, Fields, Flow, Inputs, Outcome, Registry, Report};

fn run(script: &str) -> Report {
    let mut registry = Registry::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        registry.event(name, |_: &Context| Outcome::success(()));
    }
    registry.event("no", |_: &Context| Outcome::<()>::failure("not today"));
    registry.event("breaks", |_: &Context| Err::<(), _>(std::io::Error::other("disk full")));
    registry.event("goes", |_: &Context| Outcome::goto(7, ()));
    registry
        .event("known", |_: &Context| Outcome::success(()))
        .bypass(|_: &Context| Bypass::<()>::skip("seen before"));
    let plan = Flow::parse(script).unwrap().plan(&registry, &Fields::new()).unwrap();
    let engine = Engine::builder().step_timings(false).build().unwrap();
    engine.run_plan(&plan, Inputs::new()).unwrap()
}

/// The boxes of the steps, in the order of their numbers: sign and name, then the details.
fn boxes(report: &Report) -> Vec<String> {
    let drawn = report.picture().mermaid();
    let steps = report.steps().len();
    (0..steps)
        .map(|step| {
            let start = format!("s{step}[\"");
            let line = drawn.lines().find_map(|line| line.trim_start().strip_prefix(&*start));
            let words = line.unwrap().split("\"]").next().unwrap();
            words.replace('\u{a0}', " ").replace("<br/><small>", " | ").replace("</small>", "")
        })
        .collect()
}

#[test]
fn the_steps_of_a_picture_are_those_of_the_report_in_order() {
    for script in [
        "a -> b |-> c",
        "a (0 -> b, 1 -> c (7 -> d)) -> e || f (0 -> a) -> {b || {c -> d} * 2}[max_attempts = 3] (0 -> e) -> f",
        "{a -> {b (1 -> c)} || d} (0 -> e) -> f",
        "no (0 -> a -> b, 1 -> c || d) -> goes (1 -> e, 7 -> f || a -> b) -> c",
    ] {
        let report = run(script);
        let names: Vec<String> =
            boxes(&report).iter().map(|it| it.split(' ').nth(1).unwrap().to_owned()).collect();
        let events: Vec<&str> = report.steps().map(|step| step.event()).collect();
        assert_eq!(names, events, "{script}");
        for (step, drawn) in report.steps().zip(boxes(&report)) {
            assert_eq!(drawn.starts_with('-'), !step.ran(), "{script}: {drawn}");
        }
    }
}

#[test]
fn each_outcome_has_its_sign_and_its_words() {
    let report = run("a -> known -> no (1 -> b) -> breaks * 3 -> goes (7 -> c)");
    assert_eq!(
        boxes(&report),
        [
            "+ a",
            "~ known | bypassed (seen before)",
            "x no | not today",
            "- b",
            "! breaks | max_attempts = 3 | 3 attempts | disk full",
            "#62; goes | went to #96;7#96; (manual)",
            "+ c",
        ]
    );
    let drawn = report.picture().text();
    assert!(drawn.starts_with("flow failed in "), "{drawn}");
}
