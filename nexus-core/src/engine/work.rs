//! What leaves a run to be done, and what is told to it afterwards.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Token;
use crate::outcome::{Bypass, Exception, TaskOutcome};
use crate::piped::OwnedPiped;
use crate::run::{Halt, Run, Task};
use crate::value::Value;

/// Something that happened to a run.
pub(super) enum Notification {
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

/// What is to be done for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkKind {
    /// Ask whether to skip it.
    BypassCheck,
    /// Run its body.
    Body,
}

/// Work of the driving thread, in the order in which it is to be done.
pub(super) type InlineQueue = VecDeque<(WorkKind, Task)>;

/// A piece of work that leaves its run, with everything that it needs.
pub(super) struct Work {
    pub(super) kind: WorkKind,
    pub(super) task: Task,
    pub(super) input: OwnedPiped,
    pub(super) token: Option<Arc<Token>>,
}

impl Work {
    pub(super) fn new(kind: WorkKind, task: Task, run: &mut Run) -> Self {
        let (input, token) = match kind {
            WorkKind::Body => (run.owned_task_input(task), run.token(task)),
            // The original's check sees the run, not what came along the arrow.
            WorkKind::BypassCheck => (OwnedPiped::Nothing, None),
        };
        Self { kind, task, input, token }
    }

    /// The work is about to be done. `false` if nobody wants it any more.
    pub(super) fn start(&self) -> bool {
        self.token.as_ref().is_none_or(|token| token.start())
    }

    /// The work is done. `false` if nobody waits for it any more.
    pub(super) fn end(&self) -> bool {
        self.token.as_ref().is_none_or(|token| token.end())
    }
}
