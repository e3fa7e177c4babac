//! The grammar in the guide is the parser's: what it derives parses, what parses it derives,
//! and its pictures are drawn from it. To draw them anew:
//! `UPDATE=1 cargo test -p nexus-pointy --test grammar`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects"
)]

#[path = "../common/mod.rs"]
mod common;
mod ebnf;
mod railroad;
mod sentences;

use std::collections::BTreeSet;
use std::path::Path;

use common::fuzz::Random;
use ebnf::Grammar;
use nexus_pointy::{TokenKind, code, lex, parse};
use sentences::{Deriver, Recogniser};

const GUIDE: &str = include_str!("../../../../docs/src/pointy.md");

/// What the grammar leaves open; the guide lists these codes below it.
const CONDITIONS: &[&str] = &[
    code::BAD_ESCAPE,
    code::BAD_ATTEMPTS,
    code::GIVEN_TWICE,
    code::BAD_DESCRIPTOR,
    code::DUPLICATE_DESCRIPTOR,
    code::BAD_NUMBER,
    code::DUPLICATE_KEY,
];

fn blocks(text: &str) -> Vec<&str> {
    text.split("```ebnf\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// The grammar of flows and that of tokens.
fn grammars() -> (Grammar, Grammar) {
    let [syntax, tokens] = blocks(GUIDE)[..] else { panic!("two blocks of EBNF") };
    (Grammar::read(syntax), Grammar::read(tokens))
}

/// The diagnostics that are not about what the grammar leaves open.
fn unexpected(script: &str) -> Vec<String> {
    let mistakes = parse(script).diagnostics;
    mistakes.iter().filter(|it| !CONDITIONS.contains(&it.code)).map(ToString::to_string).collect()
}

#[test]
fn the_crate_and_the_guide_have_the_same_grammar() {
    let source = include_str!("../../src/lib.rs");
    let docs: String = source
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned() + "\n")
        .collect();
    assert_eq!(blocks(&docs), blocks(GUIDE)[..1]);
    for code in CONDITIONS {
        let (_, below) = GUIDE.split_once("does not say").expect("a list of conditions");
        assert!(below.contains(&format!("`{code}`")), "the guide does not mention {code}");
    }
}

#[test]
fn what_the_grammar_derives_parses() {
    let (syntax, tokens) = grammars();
    let mut deriver = Deriver::new(&syntax, &tokens, 1);
    let (mut right, mut kinds) = (0, BTreeSet::new());
    for _ in 0..3_000 {
        let words = deriver.sentence();
        let gaps: Vec<String> = words.iter().map(|_| deriver.text("blank")).collect();
        let script: String =
            words.iter().zip(gaps).map(|(word, gap)| word.clone() + &gap).collect();
        assert_eq!(unexpected(&script), [""; 0], "{script}");
        let found = lex(&script).0;
        assert_eq!(found.len(), words.len(), "{script}\n{words:?}");
        kinds.extend(found.iter().map(|token| format!("{:?}", token.kind)));
        right += usize::from(parse(&script).diagnostics.is_empty());
    }
    assert_eq!(deriver.unused(), [""; 0]);
    assert!(right > 400, "only {right} of 3000 are free of what the grammar leaves open");
    assert_eq!(kinds.len(), 18, "each kind of token but Unknown: {kinds:?}");
}

#[test]
fn what_parses_is_derived_and_the_reverse() {
    let (syntax, tokens) = grammars();
    let mut deriver = Deriver::new(&syntax, &tokens, 2);
    let mut random = Random(3);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..3_000 {
        let mut words = deriver.sentence();
        words.truncate(60);
        for _ in 0..random.below(3) {
            let (at, other) = (random.below(words.len()), random.below(words.len()));
            match random.below(3) {
                0 if words.len() > 1 => drop(words.remove(at)),
                1 => words.insert(at, words[other].clone()),
                _ => words.swap(at, other),
            }
        }
        let script = words.join(" ");
        let found = lex(&script).0;
        let is_sentence = Recogniser::accepts(&syntax, &found);
        let mistakes = unexpected(&script);
        if is_sentence {
            accepted += 1;
            assert_eq!(mistakes, [""; 0], "{script}");
        } else {
            refused += 1;
            assert!(!parse(&script).diagnostics.is_empty(), "no sentence, but it parses: {script}");
        }
        assert!(found.iter().all(|token| token.kind != TokenKind::Unknown), "{script}");
    }
    assert!(accepted > 750 && refused > 500, "{accepted} {refused}");
}

#[test]
fn the_pictures_are_drawn_from_the_grammar() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/grammar");
    let (syntax, tokens) = grammars();
    let mut files = BTreeSet::new();
    for grammar in [&syntax, &tokens] {
        for name in &grammar.order {
            let file = format!("{}.svg", name.to_lowercase());
            let path = folder.join(&file);
            let drawn = railroad::svg(name, grammar.get(name));
            if std::env::var_os("UPDATE").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&path, &drawn).unwrap();
            }
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(kept == drawn, "{file} is old: draw it anew with UPDATE=1");
            assert!(GUIDE.contains(&format!("(grammar/{file})")), "the guide does not show {file}");
            files.insert(file);
        }
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(files.contains(&name), "{name} is of no production");
    }
}
