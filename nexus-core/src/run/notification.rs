//! What a run is told.

use std::time::Duration;

use super::{Halt, Task};
use crate::outcome::{Bypass, Exception, TaskOutcome};
use crate::value::Value;

/// Something that happened to a run.
pub(crate) enum Notification {
    /// A body has ended: how, and how long it ran.
    Completed { task: Task, outcome: TaskOutcome, busy: Duration },
    /// A bypass check has answered.
    Checked { task: Task, answer: Result<Bypass<Value>, Exception> },
    /// A wait before a retry is over.
    Woken(Task),
    /// An attempt has had its time.
    TimedOut(Task),
    /// Somebody ends the run.
    Halted(Halt),
}

impl Notification {
    /// The task that it is about, if it is not about the whole run.
    #[cfg_attr(not(feature = "durable"), expect(dead_code, reason = "nothing is recorded"))]
    pub(crate) fn task(&self) -> Option<Task> {
        match self {
            Self::Completed { task, .. }
            | Self::Checked { task, .. }
            | Self::Woken(task)
            | Self::TimedOut(task) => Some(*task),
            Self::Halted(_) => None,
        }
    }
}
