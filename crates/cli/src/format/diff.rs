//! What would change in a script, in short.

use std::fmt::Write;
use std::time::Duration;

use nexus_pointy::visible;
use similar::{ChangeTag, TextDiff};

/// At most this many lines are shown; the others are counted.
const MAX_LINES: usize = 40;
/// At most this many characters of a line are shown.
const MAX_COLUMNS: usize = 120;
/// Lines around a change.
const CONTEXT: usize = 2;
/// After this time the diff is coarser, since a minimal one may take very long.
const DIFF_TIMEOUT: Duration = Duration::from_millis(500);

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const RESET: &str = "\u{1b}[0m";

pub(super) fn diff(name: &str, old: &str, new: &str, color: bool) -> String {
    let diff = TextDiff::configure().timeout(DIFF_TIMEOUT).diff_lines(old, new);
    // The ends of lines are shown where they can be what differs.
    let ends = old.contains('\r') && old.matches("\r\n").count() != old.matches('\n').count();
    let mut lines = Vec::new();
    for group in diff.grouped_ops(CONTEXT) {
        if let (Some(first), Some(last)) = (group.first(), group.last()) {
            let range = |start: usize, end: usize| format!("{},{}", start + 1, end - start);
            let old = range(first.old_range().start, last.old_range().end);
            let new = range(first.new_range().start, last.new_range().end);
            lines.push(format!("@@ -{old} +{new} @@"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, line_color) = match change.tag() {
                ChangeTag::Delete => ('-', RED),
                ChangeTag::Insert => ('+', GREEN),
                ChangeTag::Equal => (' ', ""),
            };
            let text = shown_line(change.value(), ends);
            lines.push(if color && !line_color.is_empty() {
                format!("{line_color}{sign}{text}{RESET}")
            } else {
                format!("{sign}{text}")
            });
            if change.missing_newline() {
                lines.push("\\ no line end here".to_owned());
            }
        }
    }
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    let name = visible(name).on_one_line();
    let mut out = format!("--- {name}\n+++ {name}, laid out\n");
    for line in lines {
        out.push_str(&line);
        out.push('\n');
    }
    if more > 0 {
        // Writing to a string cannot fail.
        let _ = writeln!(out, ".. and {more} more lines");
    }
    out
}

fn shown_line(line: &str, ends: bool) -> String {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let (line, end) = match line.strip_suffix('\r') {
        Some(line) if ends => (line, "␍"),
        Some(line) => (line, ""),
        None => (line, ""),
    };
    match line.char_indices().nth(MAX_COLUMNS) {
        Some((at, _)) => format!("{}..{end}", visible(line.get(..at).unwrap_or_default())),
        None => format!("{}{end}", visible(line)),
    }
}
