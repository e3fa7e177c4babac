//! What holds for the picture of any flow: nothing is lost, nothing covers something else, every
//! line leads from a box to a box, and every file is one that its readers accept.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

#[path = "../../pointy/tests/common/mod.rs"]
mod common;
mod svg;
mod terminal;

use std::collections::HashSet;

use nexus_picture::{Picture, StepLook, StepOutcome};
use nexus_pointy::{Flow, Primary};
use proptest::prelude::*;

/// Gives the steps names by their places in script order; says how many there are.
fn name_steps(flow: &mut Flow, next: &mut usize) {
    for unit in flow.links.iter_mut().flat_map(|link| &mut link.units) {
        match &mut unit.primary {
            Primary::Event(name) => {
                name.text = format!("step{next}_").into();
                *next += 1;
            }
            Primary::Flow(flow) => name_steps(flow, next),
            Primary::Hole(_) => unreachable!("the generator makes no holes"),
        }
        for branch in &mut unit.branches {
            name_steps(&mut branch.flow, next);
        }
    }
}

/// Any flow, but for those whose settings have texts with the characters that pictures are drawn with,
/// as with [`text`].
fn named_flow() -> impl Strategy<Value = (Flow, usize)> {
    let is_plain = |flow: &Flow| !flow.to_string().contains(terminal::is_drawn);
    common::flow().prop_filter("a text looks like a line", is_plain).prop_map(|mut flow| {
        let mut count = 0;
        name_steps(&mut flow, &mut count);
        (flow, count)
    })
}

fn look() -> impl Strategy<Value = StepLook> {
    let outcome = prop_oneof![
        Just(StepOutcome::Success),
        Just(StepOutcome::Failure),
        Just(StepOutcome::Exception),
        Just(StepOutcome::Goto),
        Just(StepOutcome::Bypassed),
        Just(StepOutcome::NotRun),
    ];
    (outcome, 0..4_u32, 0..3_000_000_u64, text()).prop_map(|(outcome, tries, us, note)| {
        let took = std::time::Duration::from_micros(us);
        StepLook::new(outcome).attempts(tries).took(took).note(note)
    })
}

/// Any text, but for the characters that pictures are drawn with: where a user's text has them, it
/// looks like a line, and is none.
fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace(terminal::is_drawn, ""))
}

/// A flow, the number of its steps, and its picture: of the flow alone, or of a run.
fn picture() -> impl Strategy<Value = (Picture, usize)> {
    let looks = proptest::option::of(proptest::collection::vec(look(), 1..40));
    (named_flow(), looks, text()).prop_map(|((flow, count), looks, title)| {
        let picture = Picture::of(&flow).titled(title).in_full();
        let picture = match looks {
            // Repeated, so that every step has one.
            Some(looks) => picture.with_steps(looks.into_iter().cycle().take(count)),
            None => picture,
        };
        (picture, count)
    })
}

/// The numbers of the steps whose names occur, in order.
fn steps(drawn: &str) -> Vec<usize> {
    let number = |rest: &str| rest.split_once('_')?.0.parse().ok();
    drawn.match_indices("step").filter_map(|(at, name)| number(&drawn[at + name.len()..])).collect()
}

fn assert_each_once(drawn: &str, count: usize) -> Result<(), TestCaseError> {
    let mut found = steps(drawn);
    found.sort_unstable();
    prop_assert_eq!(found, (0..count).collect::<Vec<_>>(), "{}", drawn);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_terminal_shows_every_step_and_no_line_is_torn((picture, count) in picture()) {
        let drawn = picture.clone().titled("").text();
        assert_each_once(&drawn, count)?;
        terminal::check(&drawn)?;
        let ascii = picture.titled("").ascii().text();
        assert_each_once(&ascii, count)?;
        prop_assert!(!ascii.contains(terminal::is_drawn), "{}", ascii);
    }

    #[test]
    fn svg_is_well_formed_and_nothing_covers_anything((picture, count) in picture()) {
        let drawn = picture.svg();
        prop_assert!(!drawn.contains("\n\n"), "a blank line ends it in Markdown");
        let document = roxmltree::Document::parse(&drawn);
        let document = document.map_err(|e| TestCaseError::fail(format!("{e}\n{drawn}")))?;
        svg::check(&document, count)?;
    }

    #[test]
    fn graphs_name_every_step_once_and_edges_lead_to_what_is_there((picture, count) in picture()) {
        let mermaid = picture.mermaid();
        let dot = picture.dot();
        // Nodes are listed in script order, and called after their steps.
        let node = |line: &str| {
            let (id, words) = line.trim_start().strip_prefix('s')?.split_once('[')?;
            Some((id.trim_end().parse::<usize>().ok()?, steps(words).first().copied()?))
        };
        let inorder: Vec<(usize, usize)> = (0..count).map(|it| (it, it)).collect();
        prop_assert_eq!(mermaid.lines().filter_map(node).collect::<Vec<_>>(), inorder.clone());
        prop_assert_eq!(dot.lines().filter_map(node).collect::<Vec<_>>(), inorder);
        let edges = |drawn: &str, arrows: &[&str]| -> Vec<(String, String)> {
            drawn.lines().filter_map(|line| {
                let mut words = line.split_whitespace();
                let (from, arrow, rest) = (words.next()?, words.next()?, words.last());
                let arrow = arrow.split('|').next()?;
                arrows.contains(&arrow).then(|| (from.to_owned(), rest.unwrap_or("").to_owned()))
            }).collect()
        };
        let there: HashSet<&str> = mermaid.lines().filter_map(|line| {
            let line = line.trim_start().trim_start_matches("subgraph ");
            line.find(['[', '(', '{']).map(|end| &line[..end])
        }).collect();
        for (from, to) in edges(&mermaid, &["-->", "==>", "---", "==="]) {
            prop_assert!(there.contains(&*from), "{} in\n{}", from, mermaid);
            prop_assert!(there.contains(&*to), "{} in\n{}", to, mermaid);
        }
        let there: HashSet<&str> =
            dot.lines().filter_map(|line| Some(line.split_once(" [")?.0.trim_start())).collect();
        for line in dot.lines().filter(|line| line.contains(" -> ") && !line.contains("label=\"")) {
            for end in line.split(" [").next().unwrap_or(line).split(" -> ") {
                prop_assert!(there.contains(end.trim()), "{} in\n{}", end, dot);
            }
        }
    }

    #[test]
    fn a_short_picture_accounts_for_every_step((flow, count) in named_flow()) {
        let drawn = Picture::of(&flow).in_full_up_to(0).mermaid();
        let steps = drawn.matches("step").count() - drawn.matches(" steps<").count();
        // "… 5 more" stands for 5 steps, unless the box says for how many.
        let hidden: usize = drawn.lines().filter_map(|line| {
            let (_, rest) = line.split_once("[\"… ")?;
            let (more, rest) = rest.split_once(" more")?;
            let count = match rest.split_once(" steps<") {
                Some((count, _)) => count.rsplit('>').next()?,
                None => more,
            };
            count.parse::<usize>().ok()
        }).sum();
        prop_assert_eq!(steps + hidden, count, "{}", drawn);
    }
}
