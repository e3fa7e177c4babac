//! Schedules.

use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::cron::Cron;
use crate::declared::{Declared, DeclaredError};
use crate::mistake::CronError;

/// When something is to happen, again and again or once.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a schedule only gives times"]
pub struct Schedule {
    pub(crate) when: When,
    pub(crate) zone: TimeZone,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum When {
    Cron(Cron),
    Every(SignedDuration),
    At(Timestamp),
}

/// A schedule cannot be made of this.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduleError {
    /// The cron expression is wrong.
    Cron(CronError),
    /// The interval is zero, or longer than a thousand years.
    Interval(Duration),
    /// It is no point in time.
    Time(String),
    /// The machine's time zone database has no such zone.
    Zone(String),
    /// What a pipeline declares is no schedule.
    Declared(DeclaredError),
}

impl Schedule {
    /// By a [cron expression](Cron), in UTC unless a [`zone`](Self::zone) is given.
    ///
    /// # Errors
    ///
    /// All that is wrong with the expression.
    pub fn cron(expression: &str) -> Result<Self, ScheduleError> {
        let cron = expression.parse().map_err(ScheduleError::Cron)?;
        Ok(Self { when: When::Cron(cron), zone: TimeZone::UTC })
    }

    /// At all multiples of this interval, counted from the beginning of 1970 in UTC: the same times
    /// whenever a program starts. Every 15 minutes is at :00, :15, :30 and :45 past the hour.
    ///
    /// ```
    /// use std::time::Duration;
    /// use nexus_schedule::Schedule;
    /// let often = Schedule::every(Duration::from_secs(15 * 60))?;
    /// let next = often.after("2026-01-01T00:07:00Z".parse()?).next();
    /// assert_eq!(next.map(|next| next.timestamp().to_string()).as_deref(), Some("2026-01-01T00:15:00Z"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the interval is zero, or longer than a thousand years.
    pub fn every(interval: Duration) -> Result<Self, ScheduleError> {
        const LONGEST: SignedDuration = SignedDuration::from_hours(1_000 * 366 * 24);
        match SignedDuration::try_from(interval) {
            Ok(every) if !every.is_zero() && every <= LONGEST => {
                Ok(Self { when: When::Every(every), zone: TimeZone::UTC })
            }
            _ => Err(ScheduleError::Interval(interval)),
        }
    }

    /// Once, at a time such as `2026-12-24T18:00:00+01:00`.
    ///
    /// # Errors
    ///
    /// If this is no time, or has no offset from UTC.
    pub fn at(time: &str) -> Result<Self, ScheduleError> {
        let time = time.parse().map_err(|why| ScheduleError::Time(format!("{why}")))?;
        Ok(Self { when: When::At(time), zone: TimeZone::UTC })
    }

    /// What `#[pipeline(schedule = "..")]` means: a cron expression, or `every 15m`.
    ///
    /// ```
    /// use nexus_schedule::Schedule;
    /// let nightly = Schedule::declared("30 2 * * *")?.zone("Europe/Oslo")?;
    /// # let _ = nightly;
    /// # Ok::<(), nexus_schedule::ScheduleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If it is neither of them.
    pub fn declared(text: &str) -> Result<Self, ScheduleError> {
        match text.parse().map_err(ScheduleError::Declared)? {
            Declared::Cron(cron) => Ok(Self { when: When::Cron(cron), zone: TimeZone::UTC }),
            Declared::Every(interval) => Self::every(interval),
        }
    }

    /// In this time zone of the machine's database, such as `Europe/Oslo`: what a cron expression
    /// means, and how times are shown.
    ///
    /// # Errors
    ///
    /// If there is no such zone.
    pub fn zone(self, name: &str) -> Result<Self, ScheduleError> {
        let zone = TimeZone::get(name).map_err(|_| ScheduleError::Zone(name.to_owned()))?;
        Ok(Self { zone, ..self })
    }
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(error) => error.fmt(f),
            Self::Declared(error) => error.fmt(f),
            Self::Interval(interval) => {
                write!(
                    f,
                    "an interval of {interval:?}; write more than zero, a thousand years at most"
                )
            }
            Self::Time(why) => {
                write!(f, "this is no point in time, such as `2026-12-24T18:00:00+01:00`: {why}")
            }
            Self::Zone(name) => write!(
                f,
                "the time zone database has no `{name}`; write a name such as `Europe/Oslo` or `UTC`"
            ),
        }
    }
}

impl std::error::Error for ScheduleError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The text of the cron error is the whole message.
        None
    }
}
