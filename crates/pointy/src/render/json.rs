//! Diagnostics for programs.

use serde::Serialize;

use super::{Lines, render_one};
use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// Writes diagnostics as JSON: one object a line, one line a diagnostic.
///
/// The fields, which stay: `code`; `severity`, so far always `"error"`; `message`; `help`, a
/// string or null; `file`, which is `origin`; `line`, `column`, `end_line` and
/// `end_column` of the mistake, counted from 1, columns in characters, the end being
/// the place behind it; `start` and `end`, the same in bytes; `labels`, a list of objects with
/// `message` and the same places; `fix`, null or an object with the `text` that a program may write
/// in the place whose fields it has; and `rendered`, what [`render`](super::render()) makes of it,
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
    let objects = diagnostics.iter().filter_map(|it| {
        // Texts and numbers can always be written.
        serde_json::to_string(&Object::new(it, origin, &lines)).ok()
    });
    objects.flat_map(|object| [object, "\n".to_owned()]).collect()
}

#[derive(Serialize)]
struct Object<'a> {
    code: &'a str,
    severity: String,
    message: &'a str,
    help: Option<&'a str>,
    file: &'a str,
    #[serde(flatten)]
    place: Place,
    labels: Vec<Label<'a>>,
    fix: Option<Fix<'a>>,
    rendered: String,
}

#[derive(Serialize)]
struct Label<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: Place,
}

#[derive(Serialize)]
struct Fix<'a> {
    text: &'a str,
    #[serde(flatten)]
    place: Place,
}

#[derive(Serialize)]
struct Place {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    start: usize,
    end: usize,
}

impl<'a> Object<'a> {
    fn new(it: &'a Diagnostic, origin: &'a str, lines: &Lines<'_>) -> Self {
        let place = |span| Place::new(span, lines);
        let label = |(span, message): &'a (Span, String)| Label { message, place: place(*span) };
        Self {
            code: it.code,
            severity: it.severity().to_string(),
            message: &it.message,
            help: it.help.as_deref(),
            file: origin,
            place: place(it.span),
            labels: it.labels.iter().map(label).collect(),
            fix: it.fix.as_ref().map(|(span, text)| Fix { text, place: place(*span) }),
            rendered: render_one(it, origin, lines, false),
        }
    }
}

impl Place {
    fn new(span: Span, lines: &Lines<'_>) -> Self {
        let (start, end) = lines.clamp(span);
        let (line, column) = lines.0.line_column(start);
        let (end_line, end_column) = lines.0.line_column(end);
        Self { line, column, end_line, end_column, start, end }
    }
}
