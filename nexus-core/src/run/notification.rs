//! What a run is told.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "durable")]
use super::{EndedBefore, Run};
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
    /// Somebody outside says how a task that is pending ended, and wants to know what came of it.
    #[cfg(feature = "durable")]
    Resolved { task: Task, outcome: TaskOutcome, reply: Option<Reply> },
    /// Somebody ends the run.
    Halted(Halt),
    /// Somebody looks at the run. That is no part of what it is recorded as.
    #[cfg(feature = "durable")]
    Look(Look),
}

#[cfg(feature = "durable")]
/// Told whether a task was still to be resolved. Dropped instead if the run is never told.
pub(crate) type Reply = Box<dyn FnOnce(Result<(), EndedBefore>) + Send>;

#[cfg(feature = "durable")]
/// Looks at a run. Dropped instead if the run is over.
pub(crate) type Look = Box<dyn FnOnce(&Run) + Send>;

impl Notification {
    /// The run is over, and nobody is notified any more.
    pub(crate) fn discard(self) {
        match self {
            Self::Waits(_, token) => _ = token.raise(),
            // It is safe, and counts when the run is brought back.
            #[cfg(feature = "durable")]
            Self::Resolved { outcome, reply: Some(reply), .. } => {
                panic::drop_quietly(outcome);
                reply(Ok(()));
            }
            other => panic::drop_quietly(other),
        }
    }

    /// The task that it is about, if it is not about the whole run.
    #[cfg(feature = "durable")]
    pub(crate) fn task(&self) -> Option<Task> {
        match self {
            Self::Completed { task, .. }
            | Self::Checked { task, .. }
            | Self::Woken(task)
            | Self::TimedOut(task)
            | Self::Resolved { task, .. } => Some(*task),
            Self::Waits(..) | Self::Halted(_) | Self::Look(_) => None,
        }
    }
}
