//! Firing schedules on an engine: each firing is a run.

mod due;
mod scheduled;
mod scheduler;
mod status;

pub use scheduled::{Misfire, Overlap, Scheduled};
pub use scheduler::{ScheduleEvent, Scheduler, SchedulerThread};
pub use status::ScheduleStatus;

use jiff::Timestamp;
use nexus_core::journal;

/// A time as a store has it.
fn stored(time: Timestamp) -> journal::Timestamp {
    journal::Timestamp(u64::try_from(time.as_microsecond()).unwrap_or_default())
}

/// A time that a store has; the last one that there is, if it is beyond that.
fn from_stored(time: journal::Timestamp) -> Timestamp {
    let micros = i64::try_from(time.0).ok();
    micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()).unwrap_or(Timestamp::MAX)
}
