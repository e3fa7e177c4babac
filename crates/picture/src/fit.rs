//! Texts made to fit: cleaned, measured, cut to a width that one can read.

use nexus_pointy::visible;
use unicode_width::UnicodeWidthChar;

const LABEL_WIDTH: usize = 24;

/// An event's name, in memory only as long as a reader may need it.
pub(crate) fn name(text: &str) -> Box<str> {
    clean(text).into()
}

/// A descriptor beside its line.
pub(crate) fn label(text: &str) -> Box<str> {
    cut(&clean(text), LABEL_WIDTH).into()
}

/// The columns that a text takes: the sum over its characters, as terminals reckon.
pub(crate) fn width(text: &str) -> i64 {
    i64::try_from(columns(text)).unwrap_or(i64::MAX)
}

fn columns(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

/// On one line, with nothing in it that is not seen.
pub(crate) fn clean(text: &str) -> String {
    visible(text).on_one_line().to_string().trim().to_owned()
}

/// Cuts the end off.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut kept: String = fitting(text.chars(), most - 1).collect();
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// Breaks a text between words into at most so many lines, and cuts what does not fit.
pub(crate) fn wrapped(text: &str, most: usize, lines: usize) -> Vec<String> {
    let mut done: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        // What the last line has too much is cut below.
        let last = done.len() == lines;
        match done.last_mut() {
            Some(line) if last || columns(line) + 1 + columns(word) <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => done.push(word.to_owned()),
        }
    }
    done.iter().map(|line| cut(line, most)).collect()
}

/// Cuts the front off: of a path, the last part says most.
pub(crate) fn cut_front(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let kept: Vec<char> = fitting(text.chars().rev(), most - 1).collect();
    std::iter::once('…').chain(kept.into_iter().rev()).collect()
}

fn fitting(chars: impl Iterator<Item = char>, most: usize) -> impl Iterator<Item = char> {
    let mut used = 0;
    chars.take_while(move |c| {
        used += c.width().unwrap_or(0);
        used <= most
    })
}
