use std::borrow::Cow;

use super::Lexer;
use crate::diagnostic::{Diagnostic, Sink, code, quote};
use crate::span::Span;
use crate::token::{Token, TokenKind};

impl<'a> Lexer<'a> {
    /// A string in double quotes. It ends on its line, so that a forgotten quote costs one line.
    pub(super) fn string(&mut self, sink: &mut Sink) -> Token<'a> {
        let start = self.at;
        self.at += 1;
        let body = self.at;
        let mut escaped: Option<String> = None;
        let closed = loop {
            let from = self.at;
            self.skip_while(|c| !matches!(c, '"' | '\\' | '\n' | '\r'));
            if let Some(text) = &mut escaped {
                text.push_str(self.source.get(from..self.at).unwrap_or_default());
            }
            match self.peek() {
                Some(b'"') => break true,
                Some(b'\\') => {
                    let so_far = self.source.get(body..self.at).unwrap_or_default();
                    let text = escaped.get_or_insert_with(|| so_far.to_owned());
                    self.escape(text, sink);
                }
                _ => break false,
            }
        };
        let mut content = self.source.get(body..self.at).unwrap_or_default();
        if !closed && escaped.is_none() {
            // The brackets at the end of the line most likely close what is open around.
            content = content.trim_end_matches(|c: char| c.is_whitespace() || "]}),".contains(c));
            self.at = body + content.len();
        }
        self.check_hidden(body, "a string", sink);
        if closed {
            self.at += 1;
        } else {
            let span = self.span_from(start);
            sink.push(span, || {
                Diagnostic::new(
                    code::UNTERMINATED_STRING,
                    "the string does not end on its line",
                    span,
                )
                .help("write `\"` at its end; a line break inside is `\\n`")
            });
        }
        let text = escaped.map_or(Cow::Borrowed(content), Cow::Owned);
        Token { kind: TokenKind::Str, span: self.span_from(start), text }
    }

    /// Reads the escape sequence at the `\` that is next.
    fn escape(&mut self, out: &mut String, sink: &mut Sink) {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.rest().chars().next() else { return };
        if c == '\n' || c == '\r' {
            return;
        }
        self.at += c.len_utf8();
        match c {
            '"' | '\\' => out.push(c),
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'u' => match self.unicode() {
                Some(c) => out.push(c),
                None => self.bad_escape(start, sink),
            },
            _ => {
                out.push(c);
                self.bad_escape(start, sink);
            }
        }
    }

    /// The `{..}` of `\u{..}`.
    fn unicode(&mut self) -> Option<char> {
        let digits = self.rest().strip_prefix('{')?;
        let length = digits.bytes().take(7).position(|byte| byte == b'}')?;
        let digits = digits.get(..length)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
        self.at += length + 2;
        Some(c)
    }

    fn bad_escape(&self, start: usize, sink: &mut Sink) {
        let span = self.span_from(start);
        let text = self.source.get(start..self.at).unwrap_or_default();
        sink.push(span, || {
            if text.ends_with('u') {
                return Diagnostic::new(
                    code::BAD_ESCAPE,
                    "`\\u` without the number of a character",
                    span,
                )
                .help(r"write the number in hexadecimal digits and braces: `\u{1f980}`");
            }
            let message = format!("there is no escape sequence {}", quote(text));
            Diagnostic::new(code::BAD_ESCAPE, message, span)
                .help(r#"there are `\"`, `\\`, `\n`, `\r`, `\t` and `\u{1f980}`"#)
        });
    }

    /// A string in quotes that are not straight and double, closed by one of `closers`: an
    /// error, and then a string.
    pub(super) fn wrong_quotes(&mut self, closers: &str, sink: &mut Sink) -> Token<'a> {
        let start = self.at;
        let opening = self.rest().chars().next().map_or(0, char::len_utf8);
        self.at += opening;
        self.skip_while(|c| !closers.contains(c) && c != '\n' && c != '\r');
        let closing = self.rest().chars().next().filter(|c| closers.contains(*c));
        let closed = closing.is_some();
        let mut content = self.source.get(start + opening..self.at).unwrap_or_default();
        if let Some(closing) = closing {
            self.at += closing.len_utf8();
        } else {
            // No string: report the quote alone, and go on after it.
            self.at = start + opening;
            content = "";
        }
        let span = self.span_from(start);
        sink.push(span, || {
            let it = Diagnostic::new(
                code::SINGLE_QUOTES,
                "a string stands in straight double quotes",
                span,
            );
            let string = format!("\"{content}\"");
            match closed {
                false => it.help("write `\"`"),
                // What needs an escape sequence is left to the writer.
                true if content.contains(['"', '\\']) => {
                    it.help(format!("write {}", quote(&string)))
                }
                true => it.help(format!("write {}", quote(&string))).fix(span, string),
            }
        });
        let kind = if closed { TokenKind::Str } else { TokenKind::Unknown };
        Token { kind, span: Span::new(start as u32, self.at as u32), text: Cow::Borrowed(content) }
    }
}
