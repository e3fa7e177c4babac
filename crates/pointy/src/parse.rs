//! The recovering parser. Every production returns a tree; mistakes go to the sink.
//!
//! Chains, groups, lists and skipped text are loops. Only a bracket recurses, and
//! [`Parser::enter`] bounds that.

use crate::ast::{Arrow, ArrowKind, Flow, Link, Primary, Unit};
use crate::diagnostic::{Diagnostic, Sink, code, quote};
use crate::lex::Lexer;
use crate::span::Span;
use crate::token::{Token, TokenKind};
use crate::unknown;

mod branch;
mod flow;
mod unit;
mod value;

/// Brackets (groups, branch lists, list and map values) may be nested this deep.
pub const MAX_DEPTH: usize = 256;

/// A parsed script: always a tree, and what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The flow, with holes where events are missing.
    pub flow: Flow,
    /// The mistakes in script order: at most 100, and then one that counts the rest.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// The flow, if nothing is wrong with it.
    ///
    /// # Errors
    /// All diagnostics, if there are any.
    ///
    /// ```
    /// let flow = nexus_pointy::parse("A -> B").into_result()?;
    /// assert_eq!(flow.links.len(), 2);
    /// # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
    /// ```
    pub fn into_result(self) -> Result<Flow, Vec<Diagnostic>> {
        if self.diagnostics.is_empty() { Ok(self.flow) } else { Err(self.diagnostics) }
    }
}

/// Parses a script.
///
/// All mistakes are reported in one run; a forgotten comma or arrow does not hide what
/// follows it. Takes linear time and bounded stack on any input.
///
/// ```
/// let parsed = nexus_pointy::parse("A -> -> B C");
/// let messages: Vec<_> = parsed.diagnostics.iter().map(|it| it.message.as_str()).collect();
/// assert_eq!(messages, ["expected an event after `->`", "an arrow is missing before `C`"]);
/// assert_eq!(parsed.flow.links.len(), 4);
/// ```
#[must_use]
pub fn parse(source: &str) -> Parsed {
    let mut sink = Sink::default();
    let lexer = Lexer::new(source, &mut sink);
    let end = lexer.end();
    Parser::new(Source::Text(lexer), end, sink).script()
}

/// Parses tokens from any source, by the same grammar.
///
/// A diagnostic for something missing at the end points at `end`. [`TokenKind::Unknown`] tokens
/// are reported, with what to write instead.
///
/// ```
/// use nexus_pointy::{Span, lex, parse, parse_tokens};
/// let (tokens, _) = lex("A || B");
/// assert_eq!(parse_tokens(&tokens, Span::new(6, 6)), parse("A || B"));
/// ```
#[must_use]
pub fn parse_tokens(tokens: &[Token<'_>], end: Span) -> Parsed {
    Parser::new(Source::Tokens(tokens.iter()), end, Sink::default()).script()
}

#[derive(Debug)]
enum Source<'t> {
    Text(Lexer<'t>),
    Tokens(std::slice::Iter<'t, Token<'t>>),
}

impl<'t> Source<'t> {
    fn next(&mut self, sink: &mut Sink) -> Option<Token<'t>> {
        match self {
            Self::Text(lexer) => lexer.next(sink),
            Self::Tokens(tokens) => tokens.next().map(|token| Token {
                kind: token.kind,
                span: token.span,
                text: std::borrow::Cow::Borrowed(token.text.as_ref()),
            }),
        }
    }
}

/// A token that is read but not yet taken.
#[derive(Debug, Default)]
struct Lookahead<'t> {
    token: Option<Token<'t>>,
    /// The token replaces, or directly follows, text that was reported already.
    after_error: bool,
}

#[derive(Debug)]
struct Parser<'t> {
    source: Source<'t>,
    current: Lookahead<'t>,
    following: Lookahead<'t>,
    end: Span,
    /// The last token taken.
    last: Span,
    sink: Sink,
    /// An error was reported at the current token. No other is, since it would most likely follow
    /// from the first.
    error_reported: bool,
    depth: usize,
    /// How many branch lists are open.
    in_branches: usize,
    /// How many brackets of each kind are open: `(`, `{`, `[`.
    open: [usize; 3],
    /// Brackets that the end of the script left open.
    unclosed: Vec<(Span, TokenKind)>,
    /// The script ended inside of brackets that are nested too deep and therefore skipped.
    ends_too_deep: bool,
}

impl<'t> Parser<'t> {
    fn new(source: Source<'t>, end: Span, sink: Sink) -> Self {
        let mut parser = Self {
            source,
            current: Lookahead::default(),
            following: Lookahead::default(),
            end,
            last: end,
            sink,
            error_reported: false,
            depth: 0,
            in_branches: 0,
            open: [0; 3],
            unclosed: Vec::new(),
            ends_too_deep: false,
        };
        parser.current = parser.next_token();
        parser.following = parser.next_token();
        parser.last = parser.span().before();
        parser.error_reported = parser.current.after_error;
        parser
    }

    fn script(mut self) -> Parsed {
        if self.current.token.is_none() && !self.error_reported {
            let span = self.end;
            self.error(span, |_| {
                Diagnostic::new(code::EMPTY_SCRIPT, "the script has no event", span)
                    .help("write the name of one, or several with arrows between: `A -> B`")
            });
            self.error_reported = true;
        }
        let flow = self.flow(flow::FlowContext::Script, None);
        self.report_unclosed();
        Parsed { flow, diagnostics: self.sink.finish() }
    }

    /// The next token of the language. Unknown tokens are reported, and replaced where it is clear
    /// what was meant.
    fn next_token(&mut self) -> Lookahead<'t> {
        let mut after_error = false;
        loop {
            let Some(mut token) = self.source.next(&mut self.sink) else {
                return Lookahead { token: None, after_error };
            };
            if token.kind != TokenKind::Unknown {
                return Lookahead { token: Some(token), after_error };
            }
            self.sink.report_unknown(&token.text, token.span);
            if let Some(kind) = unknown::intended_kind(&token.text) {
                token.kind = kind;
                return Lookahead { token: Some(token), after_error: true };
            }
            after_error = true;
        }
    }

    fn peek(&self) -> Option<TokenKind> {
        self.current.token.as_ref().map(|token| token.kind)
    }

    fn peek_second(&self) -> Option<TokenKind> {
        self.following.token.as_ref().map(|token| token.kind)
    }

    fn at(&self, kind: TokenKind) -> bool {
        self.peek() == Some(kind)
    }

    fn text(&self) -> &str {
        self.current.token.as_ref().map_or("", |token| token.text.as_ref())
    }

    /// The span of the current token, or of the end.
    fn span(&self) -> Span {
        self.current.token.as_ref().map_or(self.end, |token| token.span)
    }

    /// Takes the current token.
    fn bump(&mut self) -> Span {
        let after = self.next_token();
        let next = std::mem::replace(&mut self.following, after);
        let taken = std::mem::replace(&mut self.current, next);
        self.error_reported = self.current.after_error;
        if let Some(token) = taken.token {
            self.last = token.span;
        }
        self.last
    }

    /// Reports a mistake at the current token, unless one was reported there already.
    fn error(&mut self, span: Span, make: impl FnOnce(&Self) -> Diagnostic) {
        if !self.error_reported {
            self.error_reported = true;
            self.report(span, make);
        }
    }

    /// Reports a mistake, whatever was reported before.
    fn report(&mut self, span: Span, make: impl FnOnce(&Self) -> Diagnostic) {
        let mut sink = std::mem::take(&mut self.sink);
        sink.push(span, || make(self));
        self.sink = sink;
    }

    /// The current token, for a message.
    fn found(&self) -> String {
        match &self.current.token {
            None => "the end".to_owned(),
            Some(Token { kind: TokenKind::Str, .. }) => "a string".to_owned(),
            Some(token) => quote(&token.text),
        }
    }

    /// The span of everything since `start`.
    fn span_since(&self, start: Span) -> Span {
        if self.last.end < start.start { start.before() } else { start.to(self.last) }
    }

    /// Takes an opening bracket, and returns whether its contents may be parsed. If they are nested
    /// too deep, they have been skipped, with the closing bracket.
    fn enter(&mut self, kind: TokenKind) -> (Span, bool) {
        let span = self.bump();
        if self.depth == MAX_DEPTH {
            self.too_deep(span);
            return (span, false);
        }
        self.depth += 1;
        *self.open_count(kind) += 1;
        (span, true)
    }

    #[cold]
    fn too_deep(&mut self, span: Span) {
        self.report(span, |_| {
            let message = format!("brackets are nested deeper than {MAX_DEPTH}");
            Diagnostic::new(code::TOO_DEEP, message, span)
                .help("take the inner flow out into an event of its own")
        });
        self.skip_balanced();
        self.ends_too_deep |= self.current.token.is_none();
        if self.current.token.is_some() {
            self.bump();
        }
        self.error_reported = true;
    }

    /// Skips to the closing bracket of the innermost open one, or to the end.
    fn skip_balanced(&mut self) {
        let mut depth = 0_usize;
        while let Some(kind) = self.peek() {
            if kind.is_opener() {
                depth += 1;
            } else if kind.is_closer() {
                if depth == 0 {
                    return;
                }
                depth -= 1;
            }
            self.bump();
        }
    }

    /// Skips to the next comma or closing bracket of the innermost open one, or to the end.
    fn skip_member(&mut self) {
        let mut depth = 0_usize;
        while let Some(kind) = self.peek() {
            if kind.is_opener() {
                depth += 1;
            } else if depth == 0 && (kind.is_closer() || kind == TokenKind::Comma) {
                return;
            } else if kind.is_closer() {
                depth -= 1;
            }
            self.bump();
        }
    }

    fn open_count(&mut self, kind: TokenKind) -> &mut usize {
        let [paren, brace, bracket] = &mut self.open;
        match kind {
            TokenKind::LParen | TokenKind::RParen => paren,
            TokenKind::LBrace | TokenKind::RBrace => brace,
            _ => bracket,
        }
    }

    /// Takes the closing bracket that belongs to the opening one at `open`.
    fn close(&mut self, kind: TokenKind, open: Span) {
        self.depth -= 1;
        *self.open_count(kind) -= 1;
        let closer = closer(kind);
        match self.peek() {
            Some(found) if found == closer => {
                self.bump();
            }
            None => self.unclosed.push((open, kind)),
            Some(found) => self.close_mismatched(kind, open, found),
        }
    }

    #[cold]
    fn close_mismatched(&mut self, kind: TokenKind, open: Span, found: TokenKind) {
        let at = self.span();
        let opening = kind.spelling().unwrap_or_default();
        let closing = closer(kind).spelling().unwrap_or_default();
        if found.is_closer() && *self.open_count(found) == 0 {
            self.error(at, |it| {
                let message = format!("{} closes what `{opening}` opened", it.found());
                Diagnostic::new(code::MISMATCHED, message, at)
                    .label(open, format!("`{opening}` is opened here"))
                    .help(format!("write `{closing}`"))
            });
            self.bump();
            return;
        }
        self.report(open, |it| {
            Diagnostic::new(code::UNCLOSED, format!("this `{opening}` is never closed"), open)
                .label(at, format!("expected `{closing}` before {}", it.found()))
                .help(format!("write `{closing}`"))
        });
    }

    /// Reports all brackets that are open at the end in one diagnostic, since most likely only one
    /// was forgotten.
    fn report_unclosed(&mut self) {
        if self.ends_too_deep {
            return;
        }
        let unclosed = std::mem::take(&mut self.unclosed);
        let Some(((span, kind), outer)) = unclosed.split_first() else { return };
        let opening = kind.spelling().unwrap_or_default();
        let missing: String =
            unclosed.iter().filter_map(|(_, kind)| closer(*kind).spelling()).collect();
        self.report(*span, |_| {
            let message = format!("this `{opening}` is never closed");
            let mut it = Diagnostic::new(code::UNCLOSED, message, *span)
                .help(format!("write {} at the end", quote(&missing)));
            for (span, _) in outer.iter().take(8) {
                it = it.label(*span, "neither is this");
            }
            it
        });
    }
}

impl Sink {
    #[cold]
    fn report_unknown(&mut self, text: &str, span: Span) {
        // A token with an empty text was already reported by the lexer.
        if !text.is_empty() {
            self.push(span, || {
                unknown::explain(text, span).unwrap_or_else(|| {
                    Diagnostic::new(code::UNKNOWN_TOKEN, "this has no meaning in a flow", span)
                })
            });
        }
    }
}

const fn closer(kind: TokenKind) -> TokenKind {
    match kind {
        TokenKind::LParen => TokenKind::RParen,
        TokenKind::LBrace => TokenKind::RBrace,
        _ => TokenKind::RBracket,
    }
}

fn arrow_kind(kind: TokenKind) -> ArrowKind {
    if kind == TokenKind::PipeArrow { ArrowKind::Pipe } else { ArrowKind::Then }
}

impl Unit {
    fn hole(span: Span) -> Self {
        Self {
            primary: Primary::Hole(span),
            attempts: None,
            attrs: Vec::new(),
            branches: Vec::new(),
            span,
        }
    }

    fn is_bare_hole(&self) -> bool {
        matches!(self.primary, Primary::Hole(_))
            && self.attempts.is_none()
            && self.attrs.is_empty()
            && self.branches.is_empty()
    }
}

impl Link {
    fn is_bare_hole(&self) -> bool {
        self.units.iter().all(Unit::is_bare_hole)
    }
}

impl Arrow {
    const fn assumed(at: Span) -> Self {
        Self { kind: ArrowKind::Then, span: at.before() }
    }
}

#[cfg(test)]
mod tests;
