use super::Parser;
use super::flow::Operator;
use crate::ast::{Attempts, Attr, Name, Primary, Unit};
use crate::diagnostic::{Diagnostic, code};
use crate::number;
use crate::span::Span;
use crate::token::TokenKind;

/// The span of each part of a unit where it was first given.
#[derive(Debug, Default)]
struct FirstSpans {
    attempts: Option<Span>,
    attrs: Option<Span>,
    branches: Option<Span>,
}

impl Parser<'_> {
    /// `unit = [ INT "*" ] primary { "*" INT | attrs | branches }`
    pub(super) fn unit(&mut self, before: Operator) -> Unit {
        let start = self.span();
        let mut first_spans = FirstSpans::default();
        if !self.find_unit(before) {
            return Unit::hole(self.span_since(start));
        }
        let mut unit = Unit::hole(start);
        if self.at(TokenKind::Int) {
            self.prefix(&mut unit, &mut first_spans);
        }
        unit.primary = self.primary();
        self.postfix(&mut unit, &mut first_spans);
        unit.span = self.span_since(start);
        unit
    }

    pub(super) fn starts_unit(&self, kind: TokenKind) -> bool {
        matches!(
            kind,
            TokenKind::Ident | TokenKind::LBrace | TokenKind::LParen | TokenKind::PathSep
        ) || (kind == TokenKind::Int && self.peek_second() == Some(TokenKind::Star))
    }

    /// Skips to the start of a unit. If there is none, reports that an event is missing.
    fn find_unit(&mut self, before: Operator) -> bool {
        let mut skipped = false;
        while let Some(kind) = self.peek() {
            if self.starts_unit(kind) {
                return true;
            }
            if kind.is_closer()
                || kind.is_arrow()
                || matches!(kind, TokenKind::Comma | TokenKind::Parallel)
            {
                break;
            }
            if kind == TokenKind::LBracket {
                self.early_attrs();
            } else {
                self.no_event(skipped);
            }
            skipped = true;
        }
        if !skipped {
            self.missing_event(before);
        }
        self.error_reported = true;
        false
    }

    #[cold]
    fn missing_event(&mut self, before: Operator) {
        let found = self.span();
        let span = before.map_or(found, |(span, _)| span);
        self.error(span, |it| {
            let Some((_, operator)) = before else {
                let message = format!("expected an event before {}", it.found());
                return Diagnostic::new(code::MISSING_EVENT, message, span)
                    .help("write the name of one");
            };
            let message = format!("expected an event after `{operator}`");
            let help = match it.peek() {
                None | Some(TokenKind::Comma) => {
                    format!("write the name of one, or delete the `{operator}`")
                }
                Some(kind) if kind.is_closer() => {
                    format!("write the name of one, or delete the `{operator}`")
                }
                Some(kind) if kind.is_arrow() || kind == TokenKind::Parallel => {
                    format!("write the name of one before {}, or delete one of the two", it.found())
                }
                Some(_) => format!("write the name of one before {}", it.found()),
            };
            Diagnostic::new(code::MISSING_EVENT, message, span).help(help)
        });
    }

    /// Reports and takes a token that is no event. Of a run of them, only the first is reported.
    #[cold]
    fn no_event(&mut self, skipped: bool) {
        let span = self.span();
        self.error_reported |= skipped;
        self.error(span, |it| {
            let message = format!("expected an event, found {}", it.found());
            let help = match it.peek() {
                Some(TokenKind::Str) => "an event's name has no quotes".to_owned(),
                Some(TokenKind::Int)
                    if it.peek_second().is_some_and(|kind| {
                        matches!(kind, TokenKind::Ident | TokenKind::LBrace)
                    }) =>
                {
                    format!("for so many attempts write `{} *`", it.text())
                }
                Some(TokenKind::Int) => "an event's name does not start with a digit".to_owned(),
                Some(TokenKind::Star) => "attempts are `A * 3`".to_owned(),
                _ => "write the name of one".to_owned(),
            };
            Diagnostic::new(code::MISSING_EVENT, message, span).help(help)
        });
        self.bump();
    }

    #[cold]
    fn early_attrs(&mut self) {
        let span = self.span();
        self.error(span, |_| {
            Diagnostic::new(
                code::MISPLACED_ATTRIBUTES,
                "attributes follow the event that they are for",
                span,
            )
            .help("write `A[key = value]`")
        });
        // The attributes are in the wrong place, so the mistakes inside of them are not reported.
        let open = self.bump();
        self.skip_balanced();
        if self.at(TokenKind::RBracket) {
            self.bump();
        } else if self.peek().is_none() {
            self.unclosed.push((open, TokenKind::LBracket));
        }
    }

    /// `3 *`
    fn prefix(&mut self, unit: &mut Unit, first_spans: &mut FirstSpans) {
        while self.at(TokenKind::Int) && self.peek_second() == Some(TokenKind::Star) {
            let start = self.span();
            let count = self.count();
            let star = self.bump();
            self.set_attempts(count, start.to(star), unit, first_spans);
        }
        if !self.peek().is_some_and(|kind| self.starts_unit(kind)) {
            let star = self.last;
            self.missing_event(Some((star, "*")));
        }
    }

    fn primary(&mut self) -> Primary {
        match self.peek() {
            Some(TokenKind::Ident | TokenKind::PathSep) => {
                let name = self.name();
                if &*name.text == "_" {
                    self.report(name.span, |_| {
                        Diagnostic::new(
                            code::MISSING_EVENT,
                            "`_` stands for a missing event",
                            name.span,
                        )
                        .help("write the name of one")
                    });
                    return Primary::Hole(name.span);
                }
                Primary::Event(name)
            }
            Some(kind @ (TokenKind::LBrace | TokenKind::LParen)) => self.group(kind),
            _ => Primary::Hole(self.span().before()),
        }
    }

    /// `{ "*" INT | attrs | branches }`
    fn postfix(&mut self, unit: &mut Unit, first_spans: &mut FirstSpans) {
        loop {
            match self.peek() {
                Some(TokenKind::Star) => {
                    let star = self.bump();
                    if self.at(TokenKind::Int) {
                        let count = self.count();
                        self.set_attempts(count, star.to(self.last), unit, first_spans);
                    } else {
                        self.no_count(star);
                    }
                }
                Some(TokenKind::LBracket) => {
                    let start = self.span();
                    let attrs: Vec<Attr> = self.attrs();
                    let span = self.span_since(start);
                    if self.is_first(
                        &mut first_spans.attrs,
                        span,
                        "attributes are",
                        "write all in one `[..]`",
                    ) {
                        unit.attrs = attrs;
                    }
                }
                Some(TokenKind::LParen) => {
                    let start = self.span();
                    let branches = self.branches();
                    let span = self.span_since(start);
                    if self.is_first(
                        &mut first_spans.branches,
                        span,
                        "branches are",
                        "write all in one `(..)`; to run a group next, write `->` before it",
                    ) {
                        unit.branches = branches;
                    }
                }
                _ => return,
            }
        }
    }

    /// Whether a part is given for the first time; reports the second.
    fn is_first(&mut self, slot: &mut Option<Span>, span: Span, what: &str, help: &str) -> bool {
        let Some(first) = *slot else {
            *slot = Some(span);
            return true;
        };
        self.report(span, |_| {
            Diagnostic::new(code::GIVEN_TWICE, format!("{what} given twice"), span)
                .label(first, "given here already")
                .help(help)
        });
        false
    }

    fn set_attempts(
        &mut self,
        count: Option<u32>,
        span: Span,
        unit: &mut Unit,
        first_spans: &mut FirstSpans,
    ) {
        if self.is_first(&mut first_spans.attempts, span, "attempts are", "keep one of the two") {
            unit.attempts = count.map(|count| Attempts { count, span });
        }
    }

    /// Points at the value in the number's place; if the flow goes on instead, at the `*`.
    #[cold]
    fn no_count(&mut self, star: Span) {
        let is_value = matches!(self.peek(), Some(TokenKind::Float | TokenKind::Str));
        let span = if is_value { self.span() } else { star };
        self.error(span, |it| {
            let message =
                format!("expected the number of attempts after `*`, found {}", it.found());
            let help = match it.peek() {
                Some(TokenKind::Float) => "attempts are counted: write it like `A * 3`",
                _ => "write it like `A * 3`",
            };
            Diagnostic::new(code::BAD_ATTEMPTS, message, span).help(help)
        });
        if is_value {
            self.bump();
        }
    }

    /// Takes the number of attempts.
    fn count(&mut self) -> Option<u32> {
        let count = number::int(self.text());
        let span = self.span();
        match count {
            Ok(count) if (2..=i128::from(u32::MAX)).contains(&count) => {
                self.bump();
                return u32::try_from(count).ok();
            }
            Err(bad) if bad.message != number::TOO_LARGE => self.bad_number(bad),
            wrong => self.report(span, |it| {
                let (message, help) = match wrong {
                    Ok(1) => (
                        "`* 1` has no effect: every event is tried once anyway".to_owned(),
                        "delete it, or write 2 or more".to_owned(),
                    ),
                    Ok(count @ ..1) => (
                        format!("{count} attempts would never run the event"),
                        "write 2 or more".to_owned(),
                    ),
                    _ => (
                        format!("{} attempts are too many", it.found()),
                        format!("the most are {}", u32::MAX),
                    ),
                };
                Diagnostic::new(code::BAD_ATTEMPTS, message, span).help(help)
            }),
        }
        self.bump();
        None
    }

    /// `path = ident { "::" ident }`
    pub(super) fn name(&mut self) -> Name {
        let start = self.span();
        if self.at(TokenKind::PathSep) {
            self.error(start, |_| {
                Diagnostic::new(code::BAD_NAME, "a name does not start with `::`", start)
                    .help("delete the `::`")
                    .fix(start, "")
            });
            while self.at(TokenKind::PathSep) {
                self.bump();
                self.error_reported = true;
            }
        }
        let mut text = String::new();
        if self.at(TokenKind::Ident) {
            if self.peek_second() != Some(TokenKind::PathSep) {
                let text = without_raw_prefix(self.text()).into();
                self.bump();
                return Name { text, span: self.span_since(start) };
            }
            text.push_str(without_raw_prefix(self.text()));
            self.bump();
        }
        while self.at(TokenKind::PathSep) {
            let separator = self.bump();
            text.push_str("::");
            if self.at(TokenKind::Ident) {
                text.push_str(without_raw_prefix(self.text()));
                self.bump();
                continue;
            }
            self.error(separator, |_| {
                Diagnostic::new(code::BAD_NAME, "expected a name after `::`", separator)
                    .help("write one, or delete the `::`")
            });
            while self.at(TokenKind::PathSep) {
                self.bump();
                self.error_reported = true;
            }
            if !self.at(TokenKind::Ident) {
                break;
            }
            text.push_str(without_raw_prefix(self.text()));
            self.bump();
        }
        Name { text: text.into(), span: self.span_since(start) }
    }
}

/// An identifier without its `r#`.
pub(super) fn without_raw_prefix(ident: &str) -> &str {
    ident.strip_prefix("r#").unwrap_or(ident)
}
