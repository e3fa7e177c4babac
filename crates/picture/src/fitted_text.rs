//! Texts fitted to a width: on a single line, measured in columns, truncated.

use nexus_pointy::visible;
use unicode_width::UnicodeWidthChar;

const MAX_LABEL_WIDTH: usize = 24;

/// An event's name.
pub(crate) fn name(text: &str) -> Box<str> {
    single_line(text).into()
}

/// The label of a branch's line.
pub(crate) fn label(text: &str) -> Box<str> {
    truncate(&single_line(text), MAX_LABEL_WIDTH).into()
}

/// The number of columns that a text takes: the sum over its characters, as terminals count it.
pub(crate) fn width(text: &str) -> i64 {
    i64::try_from(columns(text)).unwrap_or(i64::MAX)
}

fn columns(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

/// The text on one line, with invisible characters escaped.
pub(crate) fn single_line(text: &str) -> String {
    visible(text).on_one_line().to_string().trim().to_owned()
}

/// Truncates the end.
pub(crate) fn truncate(text: &str, max_width: usize) -> String {
    if columns(text) <= max_width {
        return text.to_owned();
    }
    let mut kept: String = take_columns(text.chars(), max_width - 1).collect();
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// Breaks a text between words into at most `lines` lines, and truncates what does not fit.
pub(crate) fn wrap(text: &str, max_width: usize, lines: usize) -> Vec<String> {
    let mut done: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        // The last line takes the rest, and is truncated below.
        let last = done.len() == lines;
        match done.last_mut() {
            Some(line) if last || columns(line) + 1 + columns(word) <= max_width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => done.push(word.to_owned()),
        }
    }
    done.iter().map(|line| truncate(line, max_width)).collect()
}

/// Truncates the start: the last part of a path says most.
pub(crate) fn truncate_start(text: &str, max_width: usize) -> String {
    if columns(text) <= max_width {
        return text.to_owned();
    }
    let kept: Vec<char> = take_columns(text.chars().rev(), max_width - 1).collect();
    std::iter::once('…').chain(kept.into_iter().rev()).collect()
}

fn take_columns(chars: impl Iterator<Item = char>, max_width: usize) -> impl Iterator<Item = char> {
    let mut used = 0;
    chars.take_while(move |c| {
        used += c.width().unwrap_or(0);
        used <= max_width
    })
}
