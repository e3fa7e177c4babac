//! The formatter keeps flows and comments of generated scripts, in linear time.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod common;

use std::time::Duration;

use common::checks::check;
use common::fuzz::processor::within;
use nexus_pointy::{MAX_DEPTH, TokenKind, format, lex};
use proptest::collection::vec;
use proptest::prelude::*;

/// What may stand between any two tokens.
const GAPS: &[&str] = &[
    " ",
    " ",
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    "\n \n\n",
    "\u{a0}",
    "\u{3000}\n",
    " # c\n",
    "# c # d\n",
    "\n# own\n",
    "\r\n# a  \r\n\r\n# b\r\n",
    "#\n",
    " #{[(\"\n\n\n",
    "\n\n# -> A,\n\n",
];

/// Puts a gap between any two tokens, or none where they stay apart without.
fn scattered(script: &str, gaps: &[usize]) -> String {
    let (tokens, _) = lex(script);
    let mut out = String::new();
    let mut gaps = gaps.iter().cycle();
    let mut before = None;
    for token in &tokens {
        let gap = *gaps.next().unwrap();
        let bracket = |kind: TokenKind| {
            matches!(kind.spelling(), Some("(" | ")" | "{" | "}" | "[" | "]" | ","))
        };
        let apart = bracket(token.kind) || before.is_none_or(bracket);
        match GAPS.get(gap) {
            Some(gap) => out.push_str(gap),
            None if apart => {}
            None => out.push(' '),
        }
        out.push_str(&script[token.span.start as usize..token.span.end as usize]);
        before = Some(token.kind);
    }
    out + gaps.next().and_then(|gap| GAPS.get(*gap)).unwrap_or(&"")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_script_keeps_its_flow_and_comments(
        flow in common::flow(),
        gaps in prop_oneof![
            // Mostly nothing, so that comments are rare and groups stay flat.
            vec(prop_oneof![9 => Just(GAPS.len()), 1 => 0..GAPS.len()], 1..80),
            vec(0..GAPS.len() + 3, 1..80),
        ],
    ) {
        let script = scattered(&flow.to_string(), &gaps);
        if let Err(what) = check(&script) {
            return Err(TestCaseError::fail(format!("{what}\nof {script:?}")));
        }
    }
}

#[test]
fn the_guides_example_has_the_layout_that_it_shows() {
    let guide = include_str!("../../../docs/src/pointy.md");
    let scripts: Vec<&str> = guide.split("```pointy\n").skip(1).collect();
    assert!(!scripts.is_empty());
    for script in scripts {
        let script = script.split("```").next().unwrap();
        assert_eq!(format(script).unwrap(), script);
    }
}

#[test]
fn a_million_steps_and_members() {
    for (operator, count) in [(" -> ", 1_000_000), ("|->\n", 100_000), (" || # c\n", 100_000)] {
        let mut script = format!("a{operator}").repeat(count - 1);
        script.push('a');
        let text = within(Duration::from_mins(1), "the formatter", || format(&script).unwrap());
        assert_eq!(text.lines().count(), count);
    }
}

#[test]
fn the_deepest_script() {
    for (open, inner, close) in
        [("{", "A # c\n", "}"), ("A (0 -> B || ", "A # c\n", ")"), ("{A -> B # c\n || ", "A", "}")]
    {
        let script = open.repeat(MAX_DEPTH) + inner + &close.repeat(MAX_DEPTH);
        check(&script).unwrap();
    }
    let script =
        "A[x = ".to_owned() + &"[1, # c\n".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH) + "]";
    check(&script).unwrap();
}
