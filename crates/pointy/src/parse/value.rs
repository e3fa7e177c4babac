use super::Parser;
use super::unit::without_raw_prefix;
use crate::ast::{Attr, Ident, Literal, LiteralKind};
use crate::diagnostic::{Diagnostic, code, quote};
use crate::number::{self, BadNumber};
use crate::span::Span;
use crate::token::TokenKind;

impl Parser<'_> {
    /// `attrs = "[" key [ "=" value ] { "," key [ "=" value ] } [ "," ] "]"`
    pub(super) fn attrs(&mut self) -> Vec<Attr> {
        // Attributes cannot nest in attributes, so this bracket does not count as depth.
        let open = self.bump();
        *self.open_count(TokenKind::LBracket) += 1;
        let mut attrs = Vec::new();
        if self.at(TokenKind::RBracket) {
            let span = open.to(self.span());
            self.report(span, |_| {
                Diagnostic::new(code::EMPTY_BRACKETS, "the attribute list is empty", span)
                    .help("delete it, or write an attribute: `[max_attempts = 3]`")
            });
        }
        while let Some(kind) = self.peek() {
            if kind.is_closer() {
                break;
            }
            attrs.extend(self.attr());
            if !self.separator("attributes") {
                break;
            }
        }
        self.depth += 1;
        self.close(TokenKind::LBracket, open);
        attrs
    }

    fn attr(&mut self) -> Option<Attr> {
        let key = self.key()?;
        let mut value = None;
        if matches!(self.peek(), Some(TokenKind::Equals | TokenKind::Colon)) {
            self.assignment(TokenKind::Equals);
            value = self.value();
        } else if self.peek().is_some_and(starts_value) || matches!(self.text(), "true" | "false") {
            self.no_equals(&key);
            value = self.value();
        }
        let span = self.span_since(key.span);
        Some(Attr { key, value, span })
    }

    #[cold]
    fn no_equals(&mut self, key: &Ident) {
        let span = self.span();
        self.error(span, |it| {
            let key = quote(&key.text);
            let message = format!("expected `=` or `,` after {key}, found {}", it.found());
            Diagnostic::new(code::WRONG_SEPARATOR, message, span)
                .help("write `=` between; attributes are `[key = value, flag]`")
                .fix(span.before(), "= ")
        });
    }

    /// Takes an attribute's key. If there is none, skips the member.
    fn key(&mut self) -> Option<Ident> {
        let span = self.span();
        if self.at(TokenKind::Ident) && self.peek_second() != Some(TokenKind::PathSep) {
            let text = without_raw_prefix(self.text()).into();
            self.bump();
            return Some(Ident { text, span });
        }
        self.error(span, |it| {
            let (message, help) = match it.peek() {
                Some(TokenKind::Ident) => {
                    ("a key is a single name".to_owned(), "leave the path out")
                }
                Some(TokenKind::Str) => {
                    ("a key is a name without quotes".to_owned(), "delete the quotes")
                }
                _ => (
                    format!("expected a key, found {}", it.found()),
                    "write it like `max_attempts = 3`",
                ),
            };
            Diagnostic::new(code::BAD_KEY, message, span).help(help)
        });
        self.skip_member();
        None
    }

    /// Takes `=` or `:`, whichever comes next; reports the wrong one.
    fn assignment(&mut self, right: TokenKind) {
        let span = self.span();
        if !self.at(right) {
            let right = right.spelling().unwrap_or_default();
            self.error(span, |it| {
                let message = format!("expected `{right}` after the key, found {}", it.found());
                Diagnostic::new(code::WRONG_SEPARATOR, message, span)
                    .help(format!(
                        "write `{right}`: attributes are `[key = value]`, maps are `{{ key: value }}`"
                    ))
                    .fix(span, right)
            });
        }
        self.bump();
    }

    /// A value. If there is none, skips the member.
    fn value(&mut self) -> Option<Literal> {
        let span = self.span();
        let kind = match self.peek() {
            Some(TokenKind::Int) => self.number(|text| number::int(text).map(LiteralKind::Int)),
            Some(TokenKind::Float) => {
                self.number(|text| number::float(text).map(LiteralKind::Float))
            }
            Some(TokenKind::Str) => {
                let text = self.text().into();
                self.bump();
                Some(LiteralKind::Str(text))
            }
            Some(TokenKind::Ident) => Some(self.word()),
            Some(TokenKind::LBracket) => self.list(),
            Some(TokenKind::LBrace) => self.map(),
            _ => {
                self.no_value();
                None
            }
        };
        if !matches!(self.peek(), None | Some(TokenKind::Comma | TokenKind::Ident))
            && !self.at_closer()
        {
            self.after_value();
        }
        let span = self.span_since(span);
        kind.map(|kind| Literal { kind, span })
    }

    fn at_closer(&self) -> bool {
        self.peek().is_some_and(TokenKind::is_closer)
    }

    #[cold]
    fn no_value(&mut self) {
        let span = self.span();
        self.error(span, |it| {
            let message = format!("expected a value, found {}", it.found());
            Diagnostic::new(code::BAD_VALUE, message, span).help(
                "values are numbers, \"strings\", true, false, names, `[..]` and `{ key: value }`",
            )
        });
        self.skip_member();
    }

    #[cold]
    fn after_value(&mut self) {
        let span = self.span();
        self.error(span, |it| {
            let message = format!("the value goes on with {}", it.found());
            Diagnostic::new(code::BAD_VALUE, message, span).help(
                "a value in a flow is a single literal or name; write `,` before the next key",
            )
        });
        self.skip_member();
    }

    fn number(
        &mut self,
        read: impl FnOnce(&str) -> Result<LiteralKind, BadNumber>,
    ) -> Option<LiteralKind> {
        let kind = read(self.text());
        match kind {
            Ok(kind) => {
                self.bump();
                Some(kind)
            }
            Err(bad) => {
                self.bad_number(bad);
                self.bump();
                None
            }
        }
    }

    /// Reports the number that is the current token.
    #[cold]
    pub(super) fn bad_number(&mut self, bad: BadNumber) {
        let span = self.span();
        self.error(span, |it| {
            let message = format!("{} {}", it.found(), bad.message);
            Diagnostic { help: bad.help, ..Diagnostic::new(code::BAD_NUMBER, message, span) }
        });
    }

    fn word(&mut self) -> LiteralKind {
        let name = self.name();
        match &*name.text {
            "true" => LiteralKind::Bool(true),
            "false" => LiteralKind::Bool(false),
            _ => LiteralKind::Name(name),
        }
    }

    fn list(&mut self) -> Option<LiteralKind> {
        let (open, may_parse) = self.enter(TokenKind::LBracket);
        if !may_parse {
            return None;
        }
        let mut values = Vec::new();
        while !(self.peek().is_none() || self.at_closer()) {
            values.extend(self.value());
            if !self.separator("values") {
                break;
            }
        }
        self.close(TokenKind::LBracket, open);
        Some(LiteralKind::List(values))
    }

    fn map(&mut self) -> Option<LiteralKind> {
        let (open, may_parse) = self.enter(TokenKind::LBrace);
        if !may_parse {
            return None;
        }
        let mut entries = Vec::new();
        while !(self.peek().is_none() || self.at_closer()) {
            entries.extend(self.entry());
            if !self.separator("entries") {
                break;
            }
        }
        self.close(TokenKind::LBrace, open);
        self.check_keys(&entries);
        Some(LiteralKind::Map(entries))
    }

    fn entry(&mut self) -> Option<(Ident, Literal)> {
        let key = self.key()?;
        if !matches!(self.peek(), Some(TokenKind::Colon | TokenKind::Equals)) {
            self.no_entry_value(&key);
            self.skip_member();
            return None;
        }
        self.assignment(TokenKind::Colon);
        let value = self.value()?;
        Some((key, value))
    }

    #[cold]
    fn no_entry_value(&mut self, key: &Ident) {
        let span: Span = self.span();
        self.error(span, |it| {
            let message = format!("expected `:` after {}, found {}", quote(&key.text), it.found());
            Diagnostic::new(code::BAD_VALUE, message, span).help("maps are `{ key: value }`")
        });
    }

    fn check_keys(&mut self, entries: &[(Ident, Literal)]) {
        if entries.len() < 2 {
            return;
        }
        let mut order: Vec<&Ident> = entries.iter().map(|(key, _)| key).collect();
        order.sort_by(|a, b| a.text.cmp(&b.text));
        for same in order.chunk_by(|a, b| a.text == b.text) {
            let Some((first, others)) = same.split_first() else { continue };
            for key in others {
                self.report(key.span, |_| {
                    let message = format!("the key {} is given twice", quote(&key.text));
                    Diagnostic::new(code::DUPLICATE_KEY, message, key.span)
                        .label(first.span, "given here already")
                        .help("keep one of the two")
                });
            }
        }
    }
}

/// Whether the token can only be a value, so that a `=` was forgotten before it.
const fn starts_value(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Int
            | TokenKind::Float
            | TokenKind::Str
            | TokenKind::LBracket
            | TokenKind::LBrace
    )
}
