//! The page as HTML.

use std::fmt::Write;
use std::time::Duration;

use nexus_pointy::visible;

use super::run::RunPage;
use super::step::{PageStep, StepSpan};
use crate::look::StepOutcome;
use crate::picture::Picture;
use crate::svg::escaped;

const STYLE: &str = include_str!("page.css");

/// A browser is told to load and run nothing, whatever the page has in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// So many steps are in the table at most.
const MOST_STEPS: usize = 1000;
/// So many stretches of a step are drawn at most.
const MOST_SPANS: usize = 2000;
/// So many errors are shown at most.
const MOST_ERRORS: usize = 200;
/// The columns of the timeline. The shortest stretch has one of them.
const COLUMNS: u128 = 1000;

impl RunPage {
    /// The page as HTML, for light and dark screens and for paper: one file that loads nothing.
    ///
    /// What it is told is text, and shown as such. Of flows with more than a thousand steps, the steps
    /// that did not run are left out of the table first.
    #[must_use]
    pub fn html(&self) -> String {
        write(self)
    }
}

fn write(page: &RunPage) -> String {
    let mut out = String::new();
    let title = text(&page.title);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n",
        Picture::STYLE
    );
    if let Some((look, sentence)) = &page.verdict {
        let _ = writeln!(out, "<p class=\"verdict {}\">{}</p>", look.class(), text(sentence));
    }
    if !page.facts.is_empty() {
        out.push_str("<dl>\n");
        for (name, value) in &page.facts {
            let _ = writeln!(out, "<div><dt>{}</dt><dd>{}</dd></div>", text(name), text(value));
        }
        out.push_str("</dl>\n");
    }
    errors(&mut out, page);
    let _ = write!(
        out,
        "<h2>Flow</h2>\n<div class=\"picture\">\n{}</div>\n",
        page.picture.clone().titled("").svg_part()
    );
    steps(&mut out, page);
    if let Some(output) = &page.output {
        let _ = writeln!(out, "<h2>Output</h2>\n<pre>{}</pre>", text(output));
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// The errors with their sources, before everything else: they are why somebody opens the page.
fn errors(out: &mut String, page: &RunPage) {
    let errors = || page.steps.iter().flat_map(|step| step.errors.iter().map(move |it| (step, it)));
    let count = errors().count();
    if count == 0 {
        return;
    }
    out.push_str("<h2>Errors</h2>\n");
    for (step, chain) in errors().take(MOST_ERRORS) {
        let _ = writeln!(out, "<div class=\"error\"><p><code>{}</code></p>", line(&step.path));
        for (depth, error) in chain.iter().enumerate() {
            let cause = if depth == 0 { "" } else { "<span class=\"muted\">caused by:</span> " };
            let _ = writeln!(out, "<p>{cause}{}</p>", text(error));
        }
        out.push_str("</div>\n");
    }
    if count > MOST_ERRORS {
        let _ = writeln!(out, "<p class=\"muted\">and {} more</p>", count - MOST_ERRORS);
    }
}

fn steps(out: &mut String, page: &RunPage) {
    let is_large = page.steps.len() > MOST_STEPS;
    let is_shown = |step: &&PageStep| !is_large || step.outcome != StepOutcome::NotRun;
    let shown: Vec<&PageStep> = page.steps.iter().filter(is_shown).take(MOST_STEPS).collect();
    if shown.is_empty() {
        return;
    }
    let whole = page.end();
    let has_times = shown.iter().any(|step| !step.spans.is_empty());
    let timeline =
        if has_times { format!("<th>Timeline of {}</th>", duration(whole)) } else { String::new() };
    let _ = writeln!(
        out,
        "<h2>Steps</h2>\n<div class=\"scroll\">\n<table>\n<thead><tr><th>Step</th><th>Outcome</th><th>Attempts</th><th>Ran</th><th>Waited</th>{timeline}</tr></thead>\n<tbody>"
    );
    for step in &shown {
        row(out, step, has_times.then_some(whole));
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
    let left_out = page.steps.len() - shown.len();
    if left_out > 0 {
        let _ = writeln!(out, "<p class=\"muted\">and {left_out} steps more</p>");
    }
}

/// A step; with a lane of the timeline where that has a length.
fn row(out: &mut String, step: &PageStep, timeline: Option<Duration>) {
    let (class, sign) = (step.outcome.class(), step.outcome.sign());
    let unless_zero = |time: Duration| if time.is_zero() { String::new() } else { duration(time) };
    let attempts = if step.attempts > 1 { step.attempts.to_string() } else { String::new() };
    let word = if step.sentence.is_empty() { step.outcome.word() } else { &step.sentence };
    let _ = write!(
        out,
        "<tr><td class=\"path\">{}</td><td class=\"how {class}\"><span class=\"sign\">{sign}</span>{}</td><td class=\"number\">{attempts}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>",
        line(&step.path),
        text(word),
        unless_zero(step.took),
        unless_zero(step.waited),
    );
    if let Some(whole) = timeline {
        let _ = write!(
            out,
            "<td class=\"lane\"><svg viewBox=\"0 0 {COLUMNS} 20\" preserveAspectRatio=\"none\" role=\"img\"><rect class=\"track\" width=\"{COLUMNS}\" height=\"20\"/>"
        );
        for span in step.spans.iter().take(MOST_SPANS) {
            bar(out, span, whole);
        }
        out.push_str("</svg></td>");
    }
    out.push_str("</tr>\n");
}

fn bar(out: &mut String, span: &StepSpan, whole: Duration) {
    let column = |time: Duration| time.as_nanos() * COLUMNS / whole.as_nanos().max(1);
    let first = column(span.from).min(COLUMNS - 2);
    let width = column(span.to).saturating_sub(first).max(2);
    let (class, y, height) = match span.ended {
        Some(outcome) => (format!("ran {}", outcome.class()), 3, 14),
        None => ("waited".to_owned(), 8, 4),
    };
    let _ = write!(
        out,
        "<rect class=\"{class}\" x=\"{first}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"><title>{}, {} to {}</title></rect>",
        text(&span.label),
        duration(span.from),
        duration(span.to)
    );
}

fn duration(time: Duration) -> String {
    format!("{time:.1?}")
}

/// A text of a user: what would move a cursor or turn lines around is spelt out, and what HTML reads
/// as its own is escaped.
fn text(text: &str) -> String {
    escaped(&visible(text).to_string())
}

/// The same on one line.
fn line(text: &str) -> String {
    escaped(&visible(text).on_one_line().to_string())
}
