//! What would change in a script, in short.

use std::fmt::Write;
use std::time::Duration;

use nexus_pointy::visible;
use similar::{ChangeTag, TextDiff};

/// So many lines are shown; the others are counted.
const MOST_LINES: usize = 40;
/// So many characters of a line are shown.
const MOST_COLUMNS: usize = 120;
/// Lines around a change.
const CONTEXT: usize = 2;
/// After so long the differences get coarser.
const PATIENCE: Duration = Duration::from_millis(500);

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const PLAIN: &str = "\u{1b}[0m";

pub(super) fn diff(name: &str, old: &str, new: &str, color: bool) -> String {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
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
            let (sign, paint) = match change.tag() {
                ChangeTag::Delete => ('-', RED),
                ChangeTag::Insert => ('+', GREEN),
                ChangeTag::Equal => (' ', ""),
            };
            let text = shown(change.value(), ends);
            lines.push(if color && !paint.is_empty() {
                format!("{paint}{sign}{text}{PLAIN}")
            } else {
                format!("{sign}{text}")
            });
            if change.missing_newline() {
                lines.push("\\ no line end here".to_owned());
            }
        }
    }
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
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

fn shown(line: &str, ends: bool) -> String {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let (line, end) = match line.strip_suffix('\r') {
        Some(line) if ends => (line, "␍"),
        Some(line) => (line, ""),
        None => (line, ""),
    };
    match line.char_indices().nth(MOST_COLUMNS) {
        Some((at, _)) => format!("{}..{end}", visible(line.get(..at).unwrap_or_default())),
        None => format!("{}{end}", visible(line)),
    }
}
