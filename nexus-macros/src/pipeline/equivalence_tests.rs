//! A flow means the same in tokens as in a text, right or wrong.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]
#![allow(unexpected_cfgs, reason = "the generator asks for a feature of nexus-pointy")]

#[path = "../../../crates/pointy/tests/common/mod.rs"]
mod common;

use std::collections::BTreeSet;
use std::path::Path;

use nexus_pointy::{Parsed, TokenKind, format, lex, parse, parse_tokens};
use proc_macro2::{LexError, TokenStream};
use proptest::prelude::*;

use super::tokens::Tokens;

/// The keywords of Rust that can be written with `r#`.
const KEYWORDS: &str = "abstract as async await become box break const continue do dyn else enum \
    extern final fn for gen if impl in let loop macro match mod move mut override priv pub ref \
    return static struct trait try type typeof unsafe unsized use virtual where while yield";

/// The script as one writes it in Rust: keywords raw, comments with `//`.
fn in_rust(script: &str) -> String {
    let mut rust = String::new();
    let mut at = 0;
    for token in lex(script).0 {
        let (start, end) = (token.span.start as usize, token.span.end as usize);
        rust.push_str(&script[at..start].replace('#', "//"));
        let written = &script[start..end];
        let raw = token.kind == TokenKind::Ident && KEYWORDS.split(' ').any(|it| it == written);
        rust.push_str(if raw { "r#" } else { "" });
        rust.push_str(written);
        at = end;
    }
    rust.push_str(&script[at..].replace('#', "//"));
    rust
}

fn parse_rust(script: &str) -> Result<Parsed, LexError> {
    let tokens = Tokens::new(in_rust(script).parse::<TokenStream>()?);
    Ok(parse_tokens(&tokens.tokens, tokens.end()))
}

fn parse_equally(script: &str) -> Result<(), TestCaseError> {
    let rust = parse_rust(script);
    let rust = rust.map_err(|error| TestCaseError::fail(format!("{error} in {script}")))?;
    prop_assert!(rust.diagnostics.is_empty(), "{:?} in {}", rust.diagnostics, script);
    let text = parse(script);
    prop_assert!(text.diagnostics.is_empty(), "{:?} in {}", text.diagnostics, script);
    prop_assert!(rust.flow.same_shape(&text.flow), "{}\nis not {}", rust.flow, text.flow);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_right_flow_is_the_same_in_tokens_and_in_a_text(flow in common::flow()) {
        let script = flow.to_string();
        parse_equally(&script)?;
        parse_equally(&format(&script).unwrap())?;
    }
}

#[test]
fn keywords_are_names_like_any_other() {
    for word in KEYWORDS.split(' ') {
        parse_equally(&format!("{word} |-> a::{word}[{word} = {word}] ({word} -> b)")).unwrap();
    }
}

fn codes(parsed: &Parsed) -> Vec<&'static str> {
    parsed.diagnostics.iter().map(|mistake| mistake.code).collect()
}

/// `//` begins a comment in Rust, where rustc itself warns of what turns the direction of text.
const DIAGNOSTICS_OF_RUST: [&str; 2] = [
    "13-slash-comment: [] in tokens, [\"P0005\", \"P0005\"] in a text",
    "16-right-to-left-override: [] in tokens, [\"P0006\"] in a text",
];

/// Where both can speak they find the same mistakes. Rust's own lexer stops before ours where
/// brackets or quotes do not close, and where there are characters that it does not know.
#[test]
fn a_broken_flow_has_the_same_mistakes_in_tokens_and_in_a_text() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/pointy/tests/broken");
    let (mut compared, mut unlike) = (0, BTreeSet::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "pty") {
            continue;
        }
        let script = std::fs::read_to_string(&path).unwrap();
        let Ok(rust) = parse_rust(&script) else { continue };
        compared += 1;
        let (rust, text) = (codes(&rust), codes(&parse(&script)));
        if rust != text {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            unlike.insert(format!("{name}: {rust:?} in tokens, {text:?} in a text"));
        }
    }
    assert!(compared >= 35, "only {compared} scripts are Rust");
    assert_eq!(unlike, DIAGNOSTICS_OF_RUST.into_iter().map(str::to_owned).collect());
}
