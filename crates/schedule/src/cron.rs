//! Cron expressions.

use std::fmt;
use std::str::FromStr;

use crate::field::{Field, KINDS, read};
use crate::mistake::{CronError, Mistake};

/// A cron expression, checked: five fields for the minute, the hour, the day of the month, the month
/// and the day of the week.
///
/// A field is `*`, a number, a range `1-5`, one of these with a step `*/15`, or several of them with
/// commas between. Months and days of the week have names (`jan`, `mon`), and Sunday is 0 and 7. If
/// neither the day of the month nor that of the week begins with `*`, either will do. `@hourly`, `@daily`,
/// `@weekly`, `@monthly` and `@yearly` stand for the expressions that one expects.
///
/// ```
/// use nexus_schedule::Cron;
/// let weekdays: Cron = "*/15 8-17 * * mon-fri".parse()?;
/// assert_eq!(weekdays.to_string(), "*/15 8-17 * * mon-fri");
/// # Ok::<(), nexus_schedule::CronError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    pub(crate) minutes: Field,
    pub(crate) hours: Field,
    pub(crate) days: Field,
    pub(crate) months: Field,
    pub(crate) weekdays: Field,
}

/// What stands for an expression.
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// The most days that a month has, from January.
const MONTH_LENGTHS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl FromStr for Cron {
    type Err = CronError;

    /// # Errors
    ///
    /// All that is wrong with the expression, each with its place.
    fn from_str(text: &str) -> Result<Self, CronError> {
        let failed = |mistakes| CronError { text: text.to_owned(), mistakes };
        let plain = if text.trim_start().starts_with('@') {
            nickname(text).map_err(|mistake| failed(vec![mistake]))?
        } else {
            text
        };
        let words: Vec<(usize, &str)> = words(plain).collect();
        if let Some(mistake) = miscounted(plain, &words) {
            return Err(failed(vec![mistake]));
        }
        let mut mistakes = Vec::new();
        let mut fields = [Field::default(); 5];
        for ((field, kind), (at, word)) in fields.iter_mut().zip(&KINDS).zip(words.iter().copied())
        {
            *field = read(kind, word, at, &mut mistakes);
        }
        let [minutes, hours, days, months, mut weekdays] = fields;
        weekdays.bits |= weekdays.bits >> 7 & 1;
        let cron = Self { text: text.trim().to_owned(), minutes, hours, days, months, weekdays };
        if mistakes.is_empty() && !cron.has_a_day() {
            let (from, to) = (words[2].0, words[3].0 + words[3].1.len());
            let message = "no such month has that day, so this is never".to_owned();
            mistakes.push(Mistake { at: from..to, message });
        }
        if mistakes.is_empty() { Ok(cron) } else { Err(failed(mistakes)) }
    }
}

impl Cron {
    /// Whether it means times of the day: neither its minutes nor its hours begin with `*`.
    pub fn is_fixed(&self) -> bool {
        !self.minutes.has_star && !self.hours.has_star
    }

    /// Whether either restriction of the day will do.
    fn is_either(&self) -> bool {
        !self.days.has_star && !self.weekdays.has_star
    }

    /// Whether there is a day at all that it allows.
    fn has_a_day(&self) -> bool {
        let has = |month: i8, days: u8| {
            self.months.allows(month) && (1..=days).any(|day| self.days.allows(day.cast_signed()))
        };
        self.is_either() || (1..).zip(MONTH_LENGTHS).any(|(month, days)| has(month, days))
    }

    /// Whether it allows a date; `weekday` is 0 for Sunday.
    #[cfg(feature = "calendar")]
    pub(crate) fn allows_date(&self, month: i8, day: i8, weekday: i8) -> bool {
        let (day, weekday) = (self.days.allows(day), self.weekdays.allows(weekday));
        self.months.allows(month) && if self.is_either() { day || weekday } else { day && weekday }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn nickname(text: &str) -> Result<&'static str, Mistake> {
    let name = text.trim();
    let known = NICKNAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    known.map(|(_, expression)| *expression).ok_or_else(|| {
        let start = text.len() - text.trim_start().len();
        let known: Vec<&str> = NICKNAMES.iter().map(|(name, _)| *name).collect();
        let message = format!("`{name}` is not known; there are {}", known.join(", "));
        Mistake { at: start..start + name.len(), message }
    })
}

/// The words of a text and where they begin.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let place = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
    text.split_whitespace().map(move |word| (place(word), word))
}

fn miscounted(text: &str, words: &[(usize, &str)]) -> Option<Mistake> {
    let fields = "minute, hour, day of the month, month, day of the week";
    match words.len() {
        5 => None,
        6 => {
            let message = format!("there are five fields ({fields}); seconds are not among them");
            Some(Mistake { at: words[0].0..words[0].0 + words[0].1.len(), message })
        }
        count => {
            let at = words.get(5).map_or(text.len(), |(at, _)| *at);
            let message = format!("there are five fields ({fields}), and here are {count}");
            Some(Mistake { at: at..text.len(), message })
        }
    }
}
