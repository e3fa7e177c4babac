//! Properties of random scripts and flows.

mod common;

use common::fuzz::TOKENS;
use nexus_pointy::wiring::wiring;
use nexus_pointy::{Span, Token, TokenKind, lex, parse, parse_tokens};
use proptest::collection::vec;
use proptest::prelude::*;

const KINDS: &[TokenKind] = &[
    TokenKind::Ident,
    TokenKind::Int,
    TokenKind::Float,
    TokenKind::Str,
    TokenKind::Arrow,
    TokenKind::PipeArrow,
    TokenKind::Parallel,
    TokenKind::Star,
    TokenKind::LParen,
    TokenKind::RParen,
    TokenKind::LBrace,
    TokenKind::RBrace,
    TokenKind::LBracket,
    TokenKind::RBracket,
    TokenKind::Comma,
    TokenKind::Equals,
    TokenKind::Colon,
    TokenKind::PathSep,
    TokenKind::Unknown,
];

fn check(source: &str) -> Result<(), TestCaseError> {
    common::checks::check(source).map(drop).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_parses(source in any::<String>()) {
        check(&source)?;
    }

    #[test]
    fn any_soup_parses(pieces in vec(0..TOKENS.len(), 0..60), blank in any::<bool>()) {
        let pieces: Vec<&str> = pieces.into_iter().map(|at| TOKENS[at]).collect();
        let source = pieces.join(if blank { " " } else { "" });
        check(&source)?;
    }

    #[test]
    fn any_tokens_parse(kinds in vec((0..KINDS.len(), ".{0,3}"), 0..40)) {
        let tokens: Vec<Token<'_>> = kinds
            .iter()
            .zip(0..)
            .map(|((kind, text), at)| Token { kind: KINDS[*kind], span: Span::new(at, at + 1), text: text.into() })
            .collect();
        let end = Span::new(tokens.len() as u32, tokens.len() as u32);
        let parsed = parse_tokens(&tokens, end);
        prop_assert!(!parsed.flow.links.is_empty());
        let _ = wiring(&parsed.flow);
    }

    #[test]
    fn lexing_apart_is_parsing(pieces in vec(0..TOKENS.len(), 0..40)) {
        let pieces: Vec<&str> = pieces.into_iter().map(|at| TOKENS[at]).collect();
        let source = pieces.join(" ");
        let (tokens, of_lexer) = lex(&source);
        let end = Span::new(source.len() as u32, source.len() as u32);
        let apart = parse_tokens(&tokens, end);
        let whole = parse(&source);
        prop_assert_eq!(&apart.flow, &whole.flow);
        prop_assert_eq!(apart.diagnostics.len() + of_lexer.len(), whole.diagnostics.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printing_keeps_the_flow(flow in common::flow()) {
        let text = flow.to_string();
        let parsed = parse(&text);
        prop_assert_eq!(&parsed.diagnostics, &[], "{}", text);
        prop_assert!(parsed.flow.same_shape(&flow), "{}", text);
        prop_assert_eq!(parsed.flow.to_string(), text);
    }
}
