//! A field of a cron expression: which numbers it allows.

use std::ops::Range;

use crate::mistake::Mistake;

/// What a field counts.
pub(crate) struct Kind {
    /// Its name in a message, with its article's place left out.
    pub(crate) name: &'static str,
    pub(crate) first: u8,
    pub(crate) last: u8,
    /// Names of its numbers, which begin with `first`.
    pub(crate) names: &'static [&'static str],
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The five fields in their order.
pub(crate) const KINDS: [Kind; 5] = [
    Kind { name: "minute", first: 0, last: 59, names: &[] },
    Kind { name: "hour", first: 0, last: 23, names: &[] },
    Kind { name: "day of the month", first: 1, last: 31, names: &[] },
    Kind { name: "month", first: 1, last: 12, names: &MONTHS },
    Kind { name: "day of the week", first: 0, last: 7, names: &WEEKDAYS },
];

/// The numbers that a field allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// A bit for each.
    pub(crate) bits: u64,
    /// It begins with `*`.
    pub(crate) has_star: bool,
}

impl Field {
    pub(crate) fn allows(self, number: i8) -> bool {
        u8::try_from(number).is_ok_and(|number| number < 64 && self.bits >> number & 1 == 1)
    }
}

/// Reads a field that begins at `at` in its expression.
pub(crate) fn read(kind: &Kind, text: &str, at: usize, mistakes: &mut Vec<Mistake>) -> Field {
    let mut field = Field { bits: 0, has_star: text.starts_with('*') };
    let mut begin = at;
    for part in text.split(',') {
        match read_part(kind, part, begin) {
            Ok(bits) => field.bits |= bits,
            Err(mistake) => mistakes.push(mistake),
        }
        begin += part.len() + 1;
    }
    field
}

fn mistake(at: usize, text: &str, message: String) -> Mistake {
    Mistake { at: Range { start: at, end: at + text.len() }, message }
}

/// `*`, `3`, `1-5`, or one of those with `/2`.
fn read_part(kind: &Kind, part: &str, at: usize) -> Result<u64, Mistake> {
    let (range, step) = match part.split_once('/') {
        None => (part, None),
        Some((range, step)) => (range, Some((step, at + range.len() + 1))),
    };
    let (first, last) = if range == "*" {
        (kind.first, kind.last)
    } else if let Some((first, last)) = range.split_once('-') {
        let (low, high) = (number(kind, first, at)?, number(kind, last, at + first.len() + 1)?);
        // A range may end with Sunday.
        let high = if low > high && high == 0 && kind.last == 7 { 7 } else { high };
        if low > high {
            let message = format!(
                "`{range}` goes down; write `{low}-{},{}-{high}`",
                kind.last.min(kind.first + count(kind) - 1),
                kind.first
            );
            return Err(mistake(at, range, message));
        }
        (low, high)
    } else {
        let first = number(kind, range, at)?;
        (first, if step.is_some() { kind.last } else { first })
    };
    let step = match step {
        None => 1,
        Some((text, at)) => step_of(kind, text, at)?,
    };
    Ok((first..=last).step_by(step.into()).fold(0, |bits, number| bits | 1 << number))
}

/// How many different numbers there are.
fn count(kind: &Kind) -> u8 {
    if kind.last == 7 { 7 } else { kind.last - kind.first + 1 }
}

fn step_of(kind: &Kind, text: &str, at: usize) -> Result<u8, Mistake> {
    match text.parse() {
        Ok(step) if (1..=count(kind)).contains(&step) => Ok(step),
        _ => {
            let message = format!("`{text}` is no step; write 1 to {}", count(kind));
            Err(mistake(at, text, message))
        }
    }
}

fn number(kind: &Kind, text: &str, at: usize) -> Result<u8, Mistake> {
    let lower = text.to_ascii_lowercase();
    if let Some(place) = (kind.first..).zip(kind.names).find(|(_, name)| **name == lower) {
        return Ok(place.0);
    }
    let is_plain = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_plain && (kind.first..=kind.last).contains(&number) => Ok(number),
        _ => Err(mistake(at, text, wrong(kind, text, &lower))),
    }
}

/// What to say of something that is no number of the field.
fn wrong(kind: &Kind, text: &str, lower: &str) -> String {
    let Kind { name, first, last, names } = kind;
    if text.is_empty() {
        return format!("a {name} is missing; write {first} to {last}, or `*` for all");
    }
    if text.contains(['L', 'W', '#', '?']) && text.len() <= 4 {
        return format!("`{text}` is an extension that is not known; write {first} to {last}");
    }
    // One letter that differs, or a name in full.
    let is_near = |other: &&&str| {
        lower.starts_with(**other)
            || (lower.len() == other.len()
                && lower.bytes().zip(other.bytes()).filter(|(a, b)| a != b).count() == 1)
    };
    match names.iter().find(is_near) {
        Some(near) => format!("`{text}` is no {name}; write `{near}`, or {first} to {last}"),
        None => format!("`{text}` is no {name}; write {first} to {last}"),
    }
}
