//! Diagnostics for text that is no token of the language.

use crate::diagnostic::{Diagnostic, code, quote};
use crate::ident;
use crate::span::Span;
use crate::token::TokenKind;

/// The token that the writer most likely meant, where going on with it is safe.
pub(crate) fn intended_kind(text: &str) -> Option<TokenKind> {
    Some(match text {
        "→" | "⇒" | "⟶" | "➔" | "➜" | "~>" | ">>" | "–>" | "—>" | "−>" => {
            TokenKind::Arrow
        }
        "|>" | "↦" | "⟼" => TokenKind::PipeArrow,
        "&&" | "∥" | "‖" => TokenKind::Parallel,
        "==" => TokenKind::Equals,
        "." => TokenKind::PathSep,
        "×" | "✕" => TokenKind::Star,
        _ if text.ends_with('>') && text.starts_with('|') => TokenKind::PipeArrow,
        _ if text.ends_with('>') && text.starts_with(['-', '=']) => TokenKind::Arrow,
        _ => return None,
    })
}

/// The diagnostic for an unknown token, or `None` where another one has been given already.
pub(crate) fn explain(text: &str, span: Span) -> Option<Diagnostic> {
    let first = text.chars().next()?;
    let found = quote(text);
    if ident::is_hidden(first) {
        let message = format!("the script holds the character {}", ident::describe(first));
        let it = Diagnostic::new(code::HIDDEN_CHARACTER, message, span).help("delete it");
        return Some(it.fix(span, ""));
    }
    let is_split = text.contains([' ', '\t']);
    let (message, help) = match intended_kind(text) {
        Some(TokenKind::Arrow) if is_split => {
            (format!("{found} is no arrow"), "write `->`, without blanks")
        }
        Some(TokenKind::Arrow) => (format!("{found} is no arrow"), "write `->`"),
        Some(TokenKind::PipeArrow) if is_split => {
            (format!("{found} is no arrow"), "write `|->`, without blanks")
        }
        Some(TokenKind::PipeArrow) => (format!("{found} is no arrow"), "write `|->`"),
        Some(TokenKind::Parallel) => {
            (format!("{found} is no operator"), "write `||` to run events beside each other")
        }
        Some(TokenKind::Equals) => (format!("{found} is no operator"), "write `=`"),
        Some(TokenKind::PathSep) => ("`.` does not join names".to_owned(), "write `::`"),
        Some(TokenKind::Star) => (format!("{found} is no operator"), "write `*`"),
        _ => hint(text, first, &found),
    };
    let it = Diagnostic::new(code::UNKNOWN_TOKEN, message, span).help(help);
    Some(match intended_kind(text).and_then(TokenKind::spelling) {
        Some(intended) => it.fix(span, intended),
        None => it,
    })
}

fn hint(text: &str, first: char, found: &str) -> (String, &'static str) {
    let plain = format!("{found} has no meaning in a flow");
    match first {
        ';' => (
            "`;` does not separate events".into(),
            "write `->` between two events, and nothing at the end",
        ),
        '|' => (
            "`|` alone is no operator".into(),
            "write `|->` to pipe a value on, `||` to run events beside each other",
        ),
        '-' => ("`-` alone is no arrow".into(), "write `->` between events, `_` in a name"),
        '>' => (format!("{found} is no arrow"), "write `->`"),
        '<' => (
            format!("{found} is no arrow: a flow runs from left to right"),
            "turn it round, with `->`",
        ),
        '&' | '+' => (plain, "write `||` to run events beside each other"),
        '/' if text.starts_with("//") || text.starts_with("/*") => {
            ("a comment starts with `#`".into(), "write `#`; the comment ends with the line")
        }
        '“' | '”' | '„' | '«' | '»' | '‘' | '’' | '`' => {
            (plain, "a string stands in straight double quotes, a name in none")
        }
        '.' => (plain, "write `::` in a name, `->` between events"),
        '?' | '!' => (plain, "write a branch: `A (0 -> OnFailure, 1 -> OnSuccess)`"),
        '\'' => ("`'` alone has no meaning in a flow".into(), "a string stands in double quotes"),
        _ => (plain, "names consist of letters, digits and `_`"),
    }
}
