//! What each form draws, kept in tests/pinned. To accept a change, look at the new pictures, and
//! run with `PINNED=overwrite`.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use nexus_picture::{Picture, StepLook, StepOutcome};

/// Every shape that a flow can have, one after the other.
const FLOWS: &[(&str, &str)] = &[
    ("one", "fetch"),
    ("chain", "fetch |-> clean -> store"),
    ("order", "validate_order (0 -> reject_order, 1 -> process_payment |-> send_confirmation)"),
    ("alert", "import (0 |-> alert -> page_somebody) -> report"),
    ("group", "start |-> users || orders || stock |-> merge"),
    ("first_group", "users || orders |-> merge"),
    (
        "each",
        "list |-> resize[each, max_concurrency = 8, executor = ThreadPoolExecutor] * 3 |-> pack",
    ),
    ("brackets", "a -> {b -> c}[max_attempts = 3] || {d -> e} -> {{f}} -> g"),
    (
        "evaluated",
        "{mail || sms || push}[execution_evaluation_state = SuccessForPartialSuccess] (0 -> give_up, 1 |-> note) -> done",
    ),
    ("goto", "classify (1 |-> regular, 101 |-> premium, express -> now -> (x || y)) |-> answer"),
    ("handed_inside", "a |-> {b || {c || d}}[x] (0 |-> (e || f)) |-> {g || h}"),
    ("nested", "a (0 -> b (0 -> c, 1 -> d), 7 -> e (0 -> f)) -> g"),
    (
        "escapes",
        "café::a[path = \"<b>&amp;\\\"\\\\n\\n $x$ `y` #35; ]]>\", end] |-> end (style -> 名前, default -> graph)",
    ),
];

fn pinned(name: &str, drawn: &str, differ: &mut Vec<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pinned").join(name);
    if fs::read_to_string(&path).is_ok_and(|there| there == drawn) {
        return;
    }
    if std::env::var_os("PINNED").is_some_and(|it| it == "overwrite") {
        fs::write(path, drawn).unwrap();
    } else {
        differ.push(format!("{name} is now:\n{drawn}"));
    }
}

fn pin_all(name: &str, picture: &Picture, differ: &mut Vec<String>) {
    pinned(&format!("{name}.txt"), &picture.text(), differ);
    pinned(&format!("{name}.mmd"), &picture.mermaid(), differ);
    pinned(&format!("{name}.dot"), &picture.dot(), differ);
    pinned(&format!("{name}.svg"), &picture.svg(), differ);
}

#[test]
fn the_forms_of_flows() {
    let mut differ = Vec::new();
    for (name, script) in FLOWS {
        let flow = nexus_pointy::parse(script).into_result().unwrap();
        let picture = Picture::of(&flow).titled(name);
        pin_all(name, &picture, &mut differ);
        pinned(&format!("{name}.ascii.txt"), &picture.ascii().text(), &mut differ);
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn the_forms_of_runs() {
    use StepOutcome::{Bypassed, Exception, Failure, Goto, NotRun, Success};
    let look = |outcome| StepLook::new(outcome).took(Duration::from_micros(8350)).attempts(1);
    let skipped = || StepLook::new(NotRun);
    let order = FLOWS.iter().find(|it| it.0 == "order").unwrap().1;
    let runs = [
        (
            "run_failed",
            order,
            vec![
                look(Success),
                skipped(),
                look(Exception).attempts(3).note("the <gateway> did\nnot answer & timed out"),
                skipped(),
            ],
        ),
        (
            "run_of_all_outcomes",
            "a -> b -> c (0 -> d, 101 |-> e) -> f -> g || h (0 -> i)",
            vec![
                look(Success),
                look(Bypassed).note("bypassed (known)"),
                look(Goto).note("went to `101` (manual)"),
                skipped(),
                look(Failure).note("a reason so long that no box should ever be as wide as it is"),
                look(Exception),
                look(Success).attempts(2),
                look(Success),
                skipped(),
            ],
        ),
    ];
    let mut differ = Vec::new();
    for (name, script, looks) in runs {
        let flow = nexus_pointy::parse(script).into_result().unwrap();
        let picture = Picture::of(&flow).titled(name).with_steps(looks);
        pin_all(name, &picture, &mut differ);
        pinned(&format!("{name}.ansi"), &picture.colored().text(), &mut differ);
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn a_script_with_mistakes_is_drawn_with_holes() {
    let flow = nexus_pointy::parse("a -> -> b").flow;
    let drawn = Picture::of(&flow).text();
    assert!(drawn.contains("│ ? │"), "{drawn}");
}
