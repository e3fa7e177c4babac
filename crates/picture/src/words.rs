//! The words in the boxes: cleaned, cut to a width that one can read, and measured.

use unicode_width::UnicodeWidthChar;

use crate::look::{Looks, StepOutcome};
use crate::model::{Unit, What};

const NAME_WIDTH: usize = 48;
const DETAIL_WIDTH: usize = 44;
const LABEL_WIDTH: usize = 24;
/// How many lines of a note are shown.
const NOTE_LINES: usize = 3;
/// How many settings of a step are shown; the tooltip has them all.
const SETTINGS: usize = 5;

/// What stands in a box.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) sign: Option<StepOutcome>,
    pub(crate) name: String,
    pub(crate) details: Vec<String>,
    /// Everything, uncut.
    pub(crate) tip: String,
}

impl Words {
    /// The first line: the sign, if any, and the name.
    pub(crate) fn head(&self) -> String {
        match self.sign {
            Some(outcome) => format!("{} {}", outcome.sign(), self.name),
            None => self.name.clone(),
        }
    }
}

/// The words for a unit that is drawn as a box.
pub(crate) fn of(unit: &Unit, looks: &Looks) -> Words {
    let (name, look) = match &unit.what {
        What::Step(name) => (name.to_string(), looks.get(unit.own.start)),
        What::More(count) => return more(*count, unit, looks),
        What::Hole | What::Brackets(_) => ("?".to_owned(), None),
    };
    let mut tip = name.clone();
    let mut details = Vec::new();
    for (at, setting) in unit.settings.iter().enumerate() {
        if at < SETTINGS {
            details.push(cut(setting, DETAIL_WIDTH));
        }
        tip.push('\n');
        tip.push_str(setting);
    }
    if let Some(hidden) = unit.settings.len().checked_sub(SETTINGS).filter(|it| *it > 0) {
        details.push(format!("… {hidden} more"));
    }
    if let Some(look) = look {
        let mut figures = Vec::new();
        if look.attempts > 1 {
            figures.push(format!("{} attempts", look.attempts));
        }
        if !look.duration.is_zero() {
            figures.push(format!("{:.1?}", look.duration));
        }
        tip.push('\n');
        tip.push_str(look.outcome.word());
        let note = clean(&look.note);
        for line in [figures.join(", "), note] {
            if !line.is_empty() {
                details.extend(wrapped(&line, DETAIL_WIDTH, NOTE_LINES));
                tip.push('\n');
                tip.push_str(&line);
            }
        }
    }
    Words { sign: look.map(|look| look.outcome), name: cut_front(&name, NAME_WIDTH), details, tip }
}

fn more(count: usize, unit: &Unit, looks: &Looks) -> Words {
    let name = format!("… {count} more");
    let mut details = Vec::new();
    let steps = unit.steps.len();
    if steps != count {
        details.push(format!("{steps} steps"));
    }
    let tally = looks.tally(&unit.steps);
    if !tally.is_empty() {
        let counts = tally.iter().map(|(outcome, count)| format!("{count} {}", outcome.sign()));
        details.push(counts.collect::<Vec<_>>().join("  "));
    }
    let tip = tally.iter().map(|(outcome, count)| format!("\n{count} {}", outcome.word()));
    let tip = format!("{name}{}", tip.collect::<String>());
    Words { sign: None, name, details, tip }
}

/// What stands at the top of a frame.
pub(crate) fn frame(unit: &Unit) -> String {
    cut(&unit.settings.join(", "), NAME_WIDTH)
}

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

/// Blanks for line ends and tabs, and a replacement character for what would not be seen, or
/// would change how the rest is seen: controls, zero-width and bidirectional characters.
pub(crate) fn clean(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => ' ',
        c if c.is_control() || is_hidden(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    let text: String = text.replace("\r\n", "\n").chars().map(shown).collect();
    text.trim().to_owned()
}

const fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

/// Cuts the end off.
fn cut(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut kept: String = fitting(text.chars(), most - 1).collect();
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// Breaks a text between words into at most so many lines, and cuts what does not fit.
fn wrapped(text: &str, most: usize, lines: usize) -> Vec<String> {
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
fn cut_front(text: &str, most: usize) -> String {
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
