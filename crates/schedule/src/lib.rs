//! When pipelines run: cron expressions, intervals and points in time, in a time zone.
//!
//! A [`Schedule`] gives the times at which something is to happen. With the feature `runtime`, a
//! `Scheduler` begins a run at each of them.
//!
//! ```
//! # #[cfg(feature = "calendar")] {
//! use nexus_schedule::Schedule;
//! use nexus_schedule::jiff::Timestamp;
//!
//! let nightly = Schedule::cron("30 2 * * *")?.zone("Europe/Oslo")?;
//! let now: Timestamp = "2026-03-28T12:00:00Z".parse()?;
//! let next: Vec<String> = nightly.after(now).take(2).map(|time| time.to_string()).collect();
//! // On the 29th clocks go from 02:00 to 03:00, so 02:30 does not exist.
//! assert_eq!(next, ["2026-03-29T03:00:00+02:00[Europe/Oslo]", "2026-03-30T02:30:00+02:00[Europe/Oslo]"]);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Changes of daylight time
//!
//! The rule is that of Vixie cron. An expression is *fixed* if neither its minutes nor its hours begin
//! with `*`, such as `30 2 * * *`; it means certain times of the day. Any other is an *interval*, such
//! as `*/15 * * * *`.
//!
//! | | fixed | interval |
//! |---|---|---|
//! | clocks go forward over one of its times | it fires once, when the gap ends | that time does not exist, and is left out |
//! | clocks go back, so one of its times comes twice | it fires the first time | it fires both times |
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod cron;
mod declared;
mod field;
#[cfg(feature = "calendar")]
mod firing;
mod mistake;
#[cfg(feature = "runtime")]
mod runtime;
#[cfg(feature = "calendar")]
mod schedule;

pub use cron::Cron;
pub use declared::{Declared, DeclaredError};
#[cfg(feature = "calendar")]
pub use firing::Firings;
#[cfg(feature = "calendar")]
pub use jiff;
pub use mistake::{CronError, Mistake};
#[cfg(feature = "runtime")]
pub use runtime::{
    Misfire, Overlap, ScheduleEvent, ScheduleStatus, Scheduled, Scheduler, SchedulerThread,
};
#[cfg(feature = "calendar")]
pub use schedule::{Schedule, ScheduleError};
