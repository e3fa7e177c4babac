//! When pipelines run by themselves: the dashboard asks for it, and keeps none of it.

use std::sync::Arc;

use nexus_core::journal::Timestamp;
use serde::Serialize;

/// The schedules, or why they cannot be read.
pub type Schedules = nexus_core::Result<Vec<ScheduleLine>>;

pub(crate) type ScheduleSource = Arc<dyn Fn() -> Schedules + Send + Sync>;

/// A schedule as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScheduleLine {
    /// Its name.
    pub name: String,
    /// Whether somebody has paused it.
    pub paused: bool,
    /// When it fires next, in its zone, as people read it.
    pub next: Vec<String>,
    /// Since when a firing is due that has not begun.
    pub due: Option<Timestamp>,
    /// Its last run.
    pub last: Option<LastFiring>,
    /// How many firings were left out, or could not begin, since the program began.
    pub misfires: u64,
    /// What the last of them was, and why.
    pub last_misfire: Option<String>,
}

/// The last run of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LastFiring {
    key: Arc<str>,
    status: &'static str,
    started: Timestamp,
}

impl ScheduleLine {
    /// A schedule that is not paused and never fires.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            paused: false,
            next: Vec::new(),
            due: None,
            last: None,
            misfires: 0,
            last_misfire: None,
        }
    }
}

impl LastFiring {
    /// The run that is recorded.
    pub fn new(run: &nexus_core::journal::StoredRun) -> Self {
        let start = &run.start;
        Self { key: Arc::clone(&start.key), status: run.state.name(), started: start.at }
    }
}
