//! The firings of schedules that came to nothing since the service began.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use nexus_schedule::ScheduleEvent;

/// How many firings of each schedule came to nothing, and why the last one did.
#[derive(Debug, Default)]
pub(crate) struct Misfires(Mutex<HashMap<String, (u64, String)>>);

impl Misfires {
    /// Notes what a scheduler has done, if that is one.
    pub(crate) fn note(&self, event: &ScheduleEvent) {
        let (schedule, why) = match event {
            ScheduleEvent::Skipped { schedule, at, why } => (schedule, format!("{at}: {why}")),
            ScheduleEvent::Failed { schedule, error } => (schedule, error.to_string()),
            _ => return,
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = all.entry(schedule.to_string()).or_default();
        *of_it = (of_it.0 + 1, why);
    }

    /// How many there were of this schedule, and what the last one was.
    #[cfg(feature = "dashboard")]
    pub(crate) fn of(&self, schedule: &str) -> Option<(u64, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(schedule).cloned()
    }
}
