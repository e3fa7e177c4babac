//! What recorded runs do at the moment. Whoever wants to know asks: to be told of each step would cost the
//! runs time, and of most steps nobody wants to know.

use std::sync::Arc;
use std::time::Duration;

use super::mailbox::Mailbox;
use crate::context::RunId;
use crate::journal::Timestamp;
use crate::run::Task;

/// A durable run that this engine drives, and what the thread which drives it does at the moment. What pools
/// do for the run is not here: an [`Observer`](crate::Observer) hears of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunActivity {
    /// The run's key.
    pub key: Arc<str>,
    /// The run's identity.
    pub run_id: RunId,
    /// How many records the run has. Some of them may not be in the store yet.
    pub records: u64,
    /// Whether the run was told of all its records. What follows from one begins soon after.
    pub is_settled: bool,
    /// The task whose body runs, since [`OwnTask::at`].
    pub running: Option<OwnTask>,
    /// The tasks that wait to be tried again, until [`OwnTask::at`].
    pub retrying: Vec<OwnTask>,
}

/// A task of the thread that drives its run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnTask {
    /// The step's place in script order, from 0: see [`StepEvent::step_index`](crate::StepEvent::step_index).
    pub step_index: usize,
    /// The event's name.
    pub event: String,
    /// The item of an `each` step.
    pub item: Option<u64>,
    /// Which attempt it is, from 1; of one that waits, the next one.
    pub attempt: u32,
    /// Since when it runs, or until when it waits.
    pub at: Timestamp,
}

/// The tasks of the thread that drives a run.
pub(super) struct OwnTasks {
    /// The one whose body runs, and since when by the clock's timestamps.
    pub(super) running: Option<(Task, Duration)>,
    /// Those that wait to be tried again, and until when by the clock.
    pub(super) retrying: Vec<(Task, Duration)>,
}

impl Mailbox {
    /// What the driving thread does.
    pub(super) fn own_tasks(&self) -> OwnTasks {
        let contents = self.lock();
        let timers = contents.timers.iter().map(|timer| (timer.0.task(), timer.0.at));
        OwnTasks {
            running: contents.own_task.filter(|_| contents.driver_busy),
            retrying: timers.collect(),
        }
    }
}
