//! What a pipeline's attribute says of its schedule: `#[pipeline(schedule = "30 2 * * *")]`.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use nexus_pointy::settings::parse_duration;

use crate::cron::Cron;
use crate::mistake::CronError;

/// A schedule as one writes it in a word: a [cron expression](Cron), or `every 15m`.
///
/// ```
/// use nexus_schedule::Declared;
/// use std::time::Duration;
/// assert_eq!("every 15m".parse(), Ok(Declared::Every(Duration::from_secs(900))));
/// assert!(matches!("30 2 * * *".parse(), Ok(Declared::Cron(_))));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declared {
    /// By a cron expression.
    Cron(Cron),
    /// At the multiples of an interval.
    Every(Duration),
}

/// A text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeclaredError {
    /// All that is wrong with the cron expression.
    Cron(CronError),
    /// What stands behind `every` is no interval.
    Every(String),
}

impl FromStr for Declared {
    type Err = DeclaredError;

    /// # Errors
    ///
    /// All that is wrong with it.
    fn from_str(text: &str) -> Result<Self, DeclaredError> {
        let mut words = text.split_whitespace();
        match words.next() {
            Some("every") => {
                let rest: Vec<&str> = words.collect();
                let interval = interval(&rest.concat());
                let interval = interval.ok_or_else(|| DeclaredError::Every(rest.join(" ")))?;
                Ok(Self::Every(interval))
            }
            _ => text.parse().map(Self::Cron).map_err(DeclaredError::Cron),
        }
    }
}

/// `15m`, from a second to a thousand days.
fn interval(text: &str) -> Option<Duration> {
    const BOUNDS: RangeInclusive<Duration> =
        Duration::from_secs(1)..=Duration::from_hours(1000 * 24);
    parse_duration(text).ok().filter(|interval| BOUNDS.contains(interval))
}

impl fmt::Display for DeclaredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(error) => error.fmt(f),
            Self::Every(text) => write!(
                f,
                "`{}` is no interval; write a number with `s`, `m`, `h` or `d`, such as `every 15m`, a thousand days at most",
                text.escape_debug()
            ),
        }
    }
}

impl std::error::Error for DeclaredError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_number_with_a_unit() {
        for (text, seconds) in
            [("every 30s", 30), ("every 15m", 900), ("  every  2 h ", 7200), ("every 1d", 86_400)]
        {
            assert_eq!(text.parse(), Ok(Declared::Every(Duration::from_secs(seconds))), "{text}");
        }
        for text in [
            "every",
            "every m",
            "every 15",
            "every 0s",
            "every -1m",
            "every +1m",
            "every 15 minutes",
            "every 1001d",
            "every 99999999999999999999d",
            "every 5é",
        ] {
            let error = text.parse::<Declared>().map_err(|error| error.to_string());
            assert!(
                matches!(&error, Err(error) if error.contains("is no interval")),
                "{text}: {error:?}"
            );
        }
    }

    #[test]
    fn anything_else_is_a_cron_expression() {
        let error = "every15m * * * *".parse::<Declared>().map_err(|error| error.to_string());
        assert!(
            matches!(&error, Err(error) if error.starts_with("this is no cron expression\n")),
            "{error:?}"
        );
    }
}
