//! Diagnostics in the look of rustc's, and with the feature `json` as JSON.

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet, renderer::DecorStyle,
};

use crate::diagnostic::{Diagnostic, Severity};
use crate::line_index::{LineIndex, floor};
use crate::span::Span;
use crate::visible::visible;

#[cfg(feature = "json")]
mod json;

#[cfg(feature = "json")]
pub use json::json;

/// Of a longer line only a part around the diagnostic's span is handed to the renderer.
const MAX_LINE: usize = 2_000;
/// How many bytes of such a part come before the span.
const MARGIN: usize = 60;
/// Longer spans are cut.
const MAX_SPAN: usize = 200;
/// Labels nearer than this to the diagnostic's span share a snippet with it.
const MAX_LABEL_DISTANCE: usize = 1_000;

/// Renders diagnostics with the lines they are about, carets, labels and help.
///
/// `origin` names the file, `source` is its text, from which the diagnostics must come;
/// spans that do not fit it are cut to what does. With `color`, ANSI escape sequences
/// are put in. Long lines are shown in part, so that the result stays small whatever the
/// source; it ends with a line break unless it is empty.
///
/// ```
/// let source = "A -> B |->";
/// let mistakes = nexus_pointy::parse(source).diagnostics;
/// let text = nexus_pointy::render::render(&mistakes, "order.pty", source, false);
/// assert_eq!(text, "\
/// error[P0010]: expected an event after `|->`
///  --> order.pty:1:8
///   |
/// 1 | A -> B |->
///   |        ^^^
///   |
///   = help: write the name of one, or delete the `|->`
/// ");
/// ```
#[must_use]
pub fn render(diagnostics: &[Diagnostic], origin: &str, source: &str, color: bool) -> String {
    let lines = Lines::new(source);
    let origin = &*visible(origin).on_one_line().to_string();
    let mut out = String::new();
    for (at, diagnostic) in diagnostics.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        out.push_str(&render_one(&with_visible_texts(diagnostic), origin, &lines, color));
    }
    out
}

/// The diagnostic with all control characters in its texts escaped, since they could change the
/// terminal. The renderer escapes those in the script's lines.
fn with_visible_texts(diagnostic: &Diagnostic) -> Diagnostic {
    let shown = |text: &str| visible(text).to_string();
    let label = |(span, text): &(Span, String)| (*span, shown(text));
    Diagnostic {
        message: shown(&diagnostic.message),
        labels: diagnostic.labels.iter().map(label).collect(),
        help: diagnostic.help.as_deref().map(shown),
        fix: None,
        ..*diagnostic
    }
}

fn render_one(diagnostic: &Diagnostic, origin: &str, lines: &Lines<'_>, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let report = [group(diagnostic, origin, lines)];
    let mut text = renderer.decor_style(DecorStyle::Ascii).render(&report);
    text.truncate(text.trim_end_matches('\n').len());
    text.push('\n');
    text
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
    }
}

fn group<'a>(diagnostic: &'a Diagnostic, origin: &'a str, lines: &Lines<'a>) -> Group<'a> {
    let primary = lines.snippet_span(diagnostic.span);
    let title =
        level(diagnostic.severity()).primary_title(&*diagnostic.message).id(diagnostic.code);
    let labels: Vec<(SnippetSpan, &str)> = diagnostic
        .labels
        .iter()
        .map(|(span, text)| (lines.snippet_span(*span), text.as_str()))
        .collect();
    let near = |span: &SnippetSpan| {
        span.end.max(primary.end) - span.start.min(primary.start) <= MAX_LABEL_DISTANCE
    };
    let (near, far): (Vec<_>, Vec<_>) = labels.into_iter().partition(|(span, _)| near(span));
    let mut annotations = vec![(AnnotationKind::Primary, primary, None)];
    annotations
        .extend(near.into_iter().map(|(span, text)| (AnnotationKind::Context, span, Some(text))));
    let mut group = lines.show(Group::with_title(title), origin, primary, annotations);
    for (span, text) in far {
        group = lines.show(group, origin, span, vec![(AnnotationKind::Context, span, Some(text))]);
    }
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(&**help)),
        None => group,
    }
}

type Annotations<'a> = Vec<(AnnotationKind, SnippetSpan, Option<&'a str>)>;

/// A span that fits the source, not too long.
#[derive(Debug, Clone, Copy)]
struct SnippetSpan {
    start: usize,
    end: usize,
}

/// The lines of a source, of which those near a span are shown.
struct Lines<'a>(LineIndex<'a>);

impl<'a> Lines<'a> {
    fn new(source: &'a str) -> Self {
        Self(LineIndex::new(source))
    }

    /// The part of a span that is in the source.
    fn clamp(&self, span: Span) -> (usize, usize) {
        let source = self.0.source();
        let start = floor(source, span.start as usize).max(self.0.start_of(0));
        (start, floor(source, span.end as usize).max(start))
    }

    fn snippet_span(&self, span: Span) -> SnippetSpan {
        let (start, end) = self.clamp(span);
        SnippetSpan { start, end: floor(self.0.source(), end.min(start + MAX_SPAN)).max(start) }
    }

    /// Adds the lines of the annotations; long lines are cut to the part near them.
    fn show(
        &self,
        group: Group<'a>,
        origin: &'a str,
        main: SnippetSpan,
        annotations: Annotations<'a>,
    ) -> Group<'a> {
        let start = annotations.iter().map(|(_, span, _)| span.start).min().unwrap_or_default();
        let end = annotations.iter().map(|(_, span, _)| span.end).max().unwrap_or_default();
        let (lines, source) = (&self.0, self.0.source());
        let line = lines.line_of(start);
        let line_start = lines.start_of(line);
        let cut = start - line_start > MAX_LINE;
        let from = if cut { floor(source, start - MARGIN) } else { line_start };
        let line_end = lines.start_of(lines.line_of(end) + 1);
        let to = floor(source, end + MAX_LINE).min(line_end).max(end);
        let text = source.get(from..to).unwrap_or_default();
        let text =
            text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
        let annotations = annotations.into_iter().map(|(kind, span, label)| {
            let span = (span.start - from).min(text.len())..(span.end - from).min(text.len());
            match label {
                Some(label) => kind.span(span).label(label),
                None => kind.span(span),
            }
        });
        let snippet =
            Snippet::<Annotation<'_>>::source(text).line_start(line + 1).annotations(annotations);
        if cut {
            // The column cannot be counted in a line whose start is missing.
            let (line, column) = lines.line_column(main.start);
            return group
                .element(Origin::path(origin).line(line).char_column(column))
                .element(snippet);
        }
        group.element(snippet.path(origin))
    }
}

#[cfg(all(test, feature = "json"))]
mod tests;
