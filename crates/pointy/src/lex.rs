use std::borrow::Cow;

use crate::diagnostic::{Diagnostic, Sink, code};
use crate::ident;
use crate::span::Span;
use crate::token::{Token, TokenKind};

mod string;

/// Cuts a script into tokens.
///
/// Comments (`#` to the end of the line) and white space are left out. The diagnostics
/// are of strings and comments only: what is no token at all becomes
/// [`TokenKind::Unknown`], which [`parse_tokens`](crate::parse_tokens) reports. So `lex`
/// followed by `parse_tokens` gives exactly the result of [`parse`](crate::parse). A script
/// longer than `u32::MAX` bytes yields no token and one diagnostic.
///
/// ```
/// let (tokens, mistakes) = nexus_pointy::lex("A |-> B # comment");
/// assert_eq!(tokens.len(), 3);
/// assert!(mistakes.is_empty());
/// ```
#[must_use]
pub fn lex(source: &str) -> (Vec<Token<'_>>, Vec<Diagnostic>) {
    let mut sink = Sink::default();
    let mut lexer = Lexer::new(source, &mut sink);
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next(&mut sink) {
        tokens.push(token);
    }
    (tokens, sink.finish())
}

/// A lexer that is asked for one token at a time.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    source: &'a str,
    /// Always a character boundary.
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(source: &'a str, sink: &mut Sink) -> Self {
        if u32::try_from(source.len()).is_err() {
            let span = Span::default();
            sink.push(span, || {
                Diagnostic::new(code::TOO_LONG, "the script is longer than 4 GiB", span)
                    .help("split it into several flows")
            });
            return Self { source: "", at: 0 };
        }
        Self { source, at: if source.starts_with('\u{feff}') { 3 } else { 0 } }
    }

    /// The empty span at the end of the script.
    pub(crate) fn end(&self) -> Span {
        self.span_from(self.source.len()).before()
    }

    pub(crate) fn next(&mut self, sink: &mut Sink) -> Option<Token<'a>> {
        self.skip_blank(sink);
        let start = self.at;
        let first = self.peek()?;
        let kind = match first {
            b'(' => self.one(TokenKind::LParen),
            b')' => self.one(TokenKind::RParen),
            b'{' => self.one(TokenKind::LBrace),
            b'}' => self.one(TokenKind::RBrace),
            b'[' => self.one(TokenKind::LBracket),
            b']' => self.one(TokenKind::RBracket),
            b',' => self.one(TokenKind::Comma),
            b'*' => self.one(TokenKind::Star),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.name(),
            b'0'..=b'9' => self.number(),
            b'-' => self.dash(),
            b'|' => self.bar(),
            b'=' => self.equals(),
            b':' if self.rest().starts_with("::") => self.many(2, TokenKind::PathSep),
            b':' => self.one(TokenKind::Colon),
            b'"' => return Some(self.string(sink)),
            b'\'' => return Some(self.wrong_quotes("'", sink)),
            128.. if self.rest().starts_with(['“', '”', '„', '«', '‘', '’']) => {
                return Some(self.wrong_quotes("“”„«»‘’", sink));
            }
            _ => self.other(),
        };
        let text = self.source.get(start..self.at).unwrap_or_default();
        Some(Token { kind, span: self.span_from(start), text: Cow::Borrowed(text) })
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.byte(0)
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.source.as_bytes().get(self.at + ahead).copied()
    }

    fn span_from(&self, start: usize) -> Span {
        // The length was checked when the lexer was made.
        Span::new(start as u32, self.at.max(start) as u32)
    }

    fn one(&mut self, kind: TokenKind) -> TokenKind {
        self.many(1, kind)
    }

    /// Takes `bytes` bytes, which must end at a character boundary.
    fn many(&mut self, bytes: usize, kind: TokenKind) -> TokenKind {
        self.at += bytes;
        kind
    }

    fn skip_while(&mut self, take: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !take(c)).unwrap_or(rest.len());
    }

    fn skip_blank(&mut self, sink: &mut Sink) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' | b'\x0b' | b'\x0c' => self.at += 1,
                b'#' => {
                    let start = self.at;
                    self.skip_while(|c| c != '\n' && c != '\r');
                    self.check_hidden(start, "a comment", sink);
                }
                128.. => match self.rest().chars().next() {
                    Some(c) if c.is_whitespace() => self.at += c.len_utf8(),
                    _ => return,
                },
                _ => return,
            }
        }
    }

    /// Reports what a reader of `start..self.at` cannot see.
    fn check_hidden(&self, start: usize, place: &str, sink: &mut Sink) {
        let text = self.source.get(start..self.at).unwrap_or_default();
        for (offset, c) in text.char_indices().filter(|(_, c)| *c == '\0' || ident::is_bidi(*c)) {
            let from = start + offset;
            let span = Span::new(from as u32, (from + c.len_utf8()) as u32);
            sink.push(span, || {
                let message = format!("{place} hides the character {}", ident::describe(c));
                let it = Diagnostic::new(code::HIDDEN_CHARACTER, message, span);
                if place == "a comment" {
                    it.help("delete it").fix(span, "")
                } else {
                    it.help(format!("write it as `\\u{{{:x}}}`, or delete it", u32::from(c)))
                }
            });
        }
    }

    fn name(&mut self) -> TokenKind {
        self.skip_while(ident::is_continue);
        TokenKind::Ident
    }

    /// Digits with all letters that touch them: `number` later reports what is wrong with `3rd`.
    fn number(&mut self) -> TokenKind {
        let start = self.at;
        let decimal = !matches!(
            (self.byte(0), self.byte(1)),
            (Some(b'0'), Some(b'x' | b'X' | b'b' | b'B' | b'o' | b'O'))
        );
        let mut kind = TokenKind::Int;
        while let Some(byte) = self.peek() {
            match byte {
                b'0'..=b'9' | b'_' => self.at += 1,
                b'.' if decimal && kind == TokenKind::Int && self.is_fraction() => {
                    kind = TokenKind::Float;
                    self.at += 1;
                }
                b'e' | b'E' if decimal && self.is_exponent() => {
                    kind = TokenKind::Float;
                    self.at += 2;
                }
                _ => {
                    let before = self.at;
                    match self.rest().chars().next() {
                        Some(c) if ident::is_continue(c) => self.at += c.len_utf8(),
                        _ => break,
                    }
                    debug_assert!(self.at > before && self.at > start);
                }
            }
        }
        kind
    }

    fn is_fraction(&self) -> bool {
        let after = self.source.get(self.at + 1..).and_then(|rest| rest.chars().next());
        !after.is_some_and(|c| c == '.' || ident::is_start(c))
    }

    /// Whether `e5`, `e-5` or `e+5` comes next.
    fn is_exponent(&self) -> bool {
        match self.byte(1) {
            Some(b'0'..=b'9') => true,
            Some(b'-' | b'+') => self.byte(2).is_some_and(|byte| byte.is_ascii_digit()),
            _ => false,
        }
    }

    fn dash(&mut self) -> TokenKind {
        match self.byte(1) {
            Some(b'>') => self.many(2, TokenKind::Arrow),
            Some(b'0'..=b'9') => {
                self.at += 1;
                self.number()
            }
            _ => {
                self.skip_while(|c| c == '-');
                self.skip_split_operator('>');
                self.skip_while(|c| c == '>');
                TokenKind::Unknown
            }
        }
    }

    fn bar(&mut self) -> TokenKind {
        let rest = self.rest();
        if rest.starts_with("|->") {
            return self.many(3, TokenKind::PipeArrow);
        }
        if rest.starts_with("||") {
            return self.many(2, TokenKind::Parallel);
        }
        self.at += 1;
        self.skip_split_operator('-');
        // `|>`, `|=>`, `|-->` and `| ->` are near misses.
        let tail = self.rest().trim_start_matches(['-', '=']);
        if tail.starts_with('>') {
            self.skip_while(|c| c == '-' || c == '=');
            self.at += 1;
        }
        TokenKind::Unknown
    }

    /// Skips the blanks inside of a split operator: `- >`, `| ->`.
    fn skip_split_operator(&mut self, rest: char) {
        let blanks = self.rest().bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let tail = self.source.get(self.at + blanks..).unwrap_or_default();
        if tail.starts_with(rest) && (rest == '>' || tail.starts_with("->")) {
            self.at += blanks;
        }
    }

    fn equals(&mut self) -> TokenKind {
        let tail = self.rest().trim_start_matches('=');
        if tail.starts_with('>') {
            self.skip_while(|c| c == '=');
            return self.many(1, TokenKind::Unknown);
        }
        if self.rest().starts_with("==") {
            self.skip_while(|c| c == '=');
            return TokenKind::Unknown;
        }
        self.one(TokenKind::Equals)
    }

    fn other(&mut self) -> TokenKind {
        let rest = self.rest();
        if rest.starts_with("//") {
            self.skip_while(|c| c != '\n' && c != '\r');
            return TokenKind::Unknown;
        }
        if rest.starts_with("/*") {
            let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
            return self.many(end, TokenKind::Unknown);
        }
        let Some(first) = rest.chars().next() else { return TokenKind::Unknown };
        if ident::is_start(first) {
            return self.name();
        }
        self.at += first.len_utf8();
        match first {
            '>' | '&' | '<' | '.' => self.skip_while(|c| c == first),
            '~' | '–' | '—' | '−' if self.peek() == Some(b'>') => self.at += 1,
            _ => {}
        }
        if first == '<' && self.peek() == Some(b'-') {
            self.skip_while(|c| c == '-' || c == '|');
        }
        TokenKind::Unknown
    }
}
