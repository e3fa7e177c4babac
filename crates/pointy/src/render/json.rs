//! Diagnostics for programs.

use std::fmt::Write;

use super::{Lines, render_one};
use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// Writes diagnostics as JSON: one object a line, one line a diagnostic.
///
/// The fields, which stay: `code`; `severity`, always `"error"`; `message`; `help`, a
/// string or null; `file`, which is `origin`; `line`, `column`, `end_line` and
/// `end_column` of the mistake, counted from 1, columns in characters, the end being
/// the place behind it; `start` and `end`, the same in bytes; `labels`, a list of objects with
/// `message` and the same places; and `rendered`, what [`render`](super::render()) makes of it,
/// without colours.
///
/// ```
/// let source = "A -> B |->";
/// let mistakes = nexus_pointy::parse(source).diagnostics;
/// let line = nexus_pointy::render::json(&mistakes, "order.pty", source);
/// assert!(line.starts_with(
///     r#"{"code":"P0010","severity":"error","message":"expected an event after `|->`","#
/// ));
/// assert!(line.contains(
///     r#""file":"order.pty","line":1,"column":8,"end_line":1,"end_column":11,"start":7,"end":10"#
/// ));
/// ```
#[must_use]
pub fn json(diagnostics: &[Diagnostic], origin: &str, source: &str) -> String {
    let lines = Lines::new(source);
    let mut out = String::new();
    for it in diagnostics {
        object(&mut out, it, origin, &lines);
        out.push('\n');
    }
    out
}

fn object(out: &mut String, it: &Diagnostic, origin: &str, lines: &Lines<'_>) {
    out.push_str("{\"code\":");
    string(out, it.code);
    out.push_str(",\"severity\":\"error\",\"message\":");
    string(out, &it.message);
    out.push_str(",\"help\":");
    match &it.help {
        Some(help) => string(out, help),
        None => out.push_str("null"),
    }
    out.push_str(",\"file\":");
    string(out, origin);
    place(out, it.span, lines);
    out.push_str(",\"labels\":[");
    for (at, (span, text)) in it.labels.iter().enumerate() {
        out.push_str(if at == 0 { "{\"message\":" } else { ",{\"message\":" });
        string(out, text);
        place(out, *span, lines);
        out.push('}');
    }
    out.push_str("],\"rendered\":");
    string(out, &render_one(it, origin, lines, false));
    out.push('}');
}

fn place(out: &mut String, span: Span, lines: &Lines<'_>) {
    let (start, end) = lines.clamp(span);
    let ((line, column), (end_line, end_column)) = (lines.position(start), lines.position(end));
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        ",\"line\":{line},\"column\":{column},\"end_line\":{end_line},\"end_column\":{end_column},\"start\":{start},\"end\":{end}"
    );
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}
