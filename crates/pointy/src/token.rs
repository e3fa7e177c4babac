use std::borrow::Cow;

use crate::span::Span;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A name. A raw Rust identifier may keep its `r#`.
    Ident,
    /// A whole number as written, with its sign and underscores: `3`, `-1`, `1_000`.
    Int,
    /// A number with a fraction or an exponent as written: `0.5`, `-1e3`.
    Float,
    /// A string; the token's text is its content, unescaped and without quotes.
    Str,
    /// `->`
    Arrow,
    /// `|->`
    PipeArrow,
    /// `||`
    Parallel,
    /// `*`
    Star,
    /// `(`
    LParen,
    /// `)`
    RParen,
    /// `{`
    LBrace,
    /// `}`
    RBrace,
    /// `[`
    LBracket,
    /// `]`
    RBracket,
    /// `,`
    Comma,
    /// `=`
    Equals,
    /// `:`
    Colon,
    /// `::`
    PathSep,
    /// Anything else. The parser reports it, with what to write instead.
    Unknown,
}

impl TokenKind {
    /// How the token is written, where it has one spelling.
    #[must_use]
    pub const fn spelling(self) -> Option<&'static str> {
        Some(match self {
            Self::Arrow => "->",
            Self::PipeArrow => "|->",
            Self::Parallel => "||",
            Self::Star => "*",
            Self::LParen => "(",
            Self::RParen => ")",
            Self::LBrace => "{",
            Self::RBrace => "}",
            Self::LBracket => "[",
            Self::RBracket => "]",
            Self::Comma => ",",
            Self::Equals => "=",
            Self::Colon => ":",
            Self::PathSep => "::",
            Self::Ident | Self::Int | Self::Float | Self::Str | Self::Unknown => return None,
        })
    }

    pub(crate) const fn is_arrow(self) -> bool {
        matches!(self, Self::Arrow | Self::PipeArrow)
    }

    pub(crate) const fn is_opener(self) -> bool {
        matches!(self, Self::LParen | Self::LBrace | Self::LBracket)
    }

    pub(crate) const fn is_closer(self) -> bool {
        matches!(self, Self::RParen | Self::RBrace | Self::RBracket)
    }
}

/// A token of a script.
///
/// ```
/// use nexus_pointy::{lex, TokenKind};
/// let (tokens, _) = lex("A -> B");
/// assert_eq!(tokens[1].kind, TokenKind::Arrow);
/// assert_eq!(tokens[2].text, "B");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: TokenKind,
    /// Its span.
    pub span: Span,
    /// How it is written; for a string its unescaped content.
    pub text: Cow<'a, str>,
}
