//! Flows of any size are drawn, in a time that does not grow faster than they do.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

#[path = "../../pointy/tests/processor/mod.rs"]
mod processor;

use std::time::Duration;

use nexus_picture::{Picture, StepLook, StepOutcome};

fn picture(script: &str) -> Picture {
    Picture::of(&nexus_pointy::parse(script).into_result().unwrap())
}

fn forms(picture: &Picture) -> [String; 4] {
    [picture.mermaid(), picture.dot(), picture.svg(), picture.text()]
}

/// A debug build needs a second of the processor; what is quadratic needs an hour.
fn bounded<T>(what: &str, work: impl FnOnce() -> T) -> T {
    processor::within(Duration::from_mins(1), what, work)
}

fn group(members: usize) -> String {
    format!("first |-> {} |-> last", vec!["member"; members].join(" || "))
}

fn branches(count: usize) -> String {
    let branches: Vec<String> = (2..count + 2).map(|it| format!("{it} -> case")).collect();
    format!("choose ({}) -> last", branches.join(", "))
}

fn nested(depth: usize) -> String {
    (0..depth).fold("inner".to_owned(), |flow, _| format!("{{{flow} -> next}}[max_attempts = 2]"))
}

#[test]
fn a_million_steps_become_a_few_boxes() {
    let picture = picture(&vec!["step"; 1_000_000].join(" |-> "));
    for drawn in bounded("a million steps", || forms(&picture)) {
        assert!(drawn.contains("… 999994 more"), "{drawn}");
        assert!(drawn.len() < 10_000, "{} bytes", drawn.len());
    }
}

#[test]
fn big_flows_are_drawn_in_full_if_asked_for() {
    let chain = vec!["step"; 100_000].join(" -> ");
    let picture = picture(&chain).in_full();
    for drawn in bounded("a chain of 100,000", || forms(&picture)) {
        assert!(drawn.matches("step").count() >= 100_000);
        assert!(!drawn.contains("… "));
    }
}

#[test]
fn wide_groups_and_branch_lists_are_drawn_in_full_if_asked_for() {
    for (script, name) in [(group(10_000), "member"), (branches(10_000), "case")] {
        let picture = picture(&script).in_full();
        for drawn in bounded(name, || forms(&picture)) {
            assert!(drawn.matches(name).count() >= 10_000);
        }
    }
}

#[test]
fn brackets_as_deep_as_the_parser_lets_them_are_drawn() {
    let picture = picture(&nested(nexus_pointy::MAX_DEPTH - 1)).in_full();
    for drawn in bounded("deep brackets", || forms(&picture)) {
        assert!(drawn.matches("next").count() >= nexus_pointy::MAX_DEPTH - 1);
    }
}

#[test]
fn whatever_makes_a_flow_big_its_picture_stays_small() {
    let alerts = vec!["step (0 -> alert -> page)"; 5_000].join(" -> ");
    let tree =
        (0..7).fold("leaf".to_owned(), |it, _| format!("{{{it} || {it} || {it} || {it}}}[x]"));
    let cases = [
        group(10_000),
        branches(10_000),
        nested(nexus_pointy::MAX_DEPTH - 1),
        alerts,
        tree,
        vec![group(100); 100].join(" -> "),
    ];
    for script in cases {
        let drawn = picture(&script).text();
        let (height, boxes) = (drawn.lines().count(), drawn.matches('└').count());
        let width = drawn.lines().map(|line| line.chars().count()).max().unwrap();
        let shown: String = script.chars().take(60).collect();
        assert!(boxes <= 300, "{boxes} boxes for {shown}");
        assert!(height <= 500 && width <= 500, "{width} by {height} for {shown}");
    }
}

#[test]
fn a_small_flow_is_never_shortened() {
    let drawn = picture(&vec!["step"; 80].join(" -> ")).text();
    assert_eq!(drawn.matches("step").count(), 80);
    let drawn = picture(&vec!["step"; 81].join(" -> ")).text();
    assert_eq!(drawn.matches("step").count(), 6);
}

#[test]
fn steps_that_failed_stay_in_sight() {
    let picture = picture(&vec!["step"; 1000].join(" -> "));
    let look = |at| match at {
        500 => StepLook::new(StepOutcome::Exception).note("the five hundredth"),
        700 => StepLook::new(StepOutcome::Failure).note("the seven hundredth"),
        _ => StepLook::new(StepOutcome::Success),
    };
    let drawn = picture.with_steps((0..1000).map(look)).text();
    assert!(drawn.contains("the five hundredth") && drawn.contains("the seven hundredth"));
    assert!(drawn.contains("… 497 more") && drawn.contains("497 +"), "{drawn}");
    assert_eq!(drawn.matches("step").count(), 8);
}
