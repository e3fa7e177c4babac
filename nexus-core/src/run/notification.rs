//! What a run is told.

use std::sync::Arc;
use std::time::Duration;

use super::{Halt, Task};
use crate::cancel::Token;
use crate::outcome::{Bypass, Exception, TaskOutcome};
use crate::panic;
use crate::value::Value;

/// Something that happened to a run.
pub(crate) enum Notification {
    /// A body has ended: how, and how long it ran.
    Completed { task: Task, outcome: TaskOutcome, busy: Duration },
    /// An async body waits; by this token it learns that it is no longer wanted. That is no part of
    /// what a run is recorded as.
    Waits(Task, Arc<Token>),
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
    /// The run is over, and nobody is notified any more.
    pub(crate) fn discard(self) {
        if let Self::Waits(_, token) = &self {
            token.raise();
        }
        panic::drop_quietly(self);
    }

    /// The task that it is about, if it is not about the whole run.
    #[cfg_attr(not(feature = "durable"), expect(dead_code, reason = "nothing is recorded"))]
    pub(crate) fn task(&self) -> Option<Task> {
        match self {
            Self::Completed { task, .. }
            | Self::Checked { task, .. }
            | Self::Woken(task)
            | Self::TimedOut(task) => Some(*task),
            Self::Waits(..) | Self::Halted(_) => None,
        }
    }
}
