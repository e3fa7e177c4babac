//! What leaves a run to be done, and what is told to it afterwards.

use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Token;
use crate::context::Previous;
use crate::outcome::{Bypass, Exception, TaskOutcome};
use crate::piped::OwnedPiped;
use crate::run::{Halt, Run, Task};
use crate::value::Value;

/// Something that happened to a run.
pub(super) enum Notification {
    /// A body has ended: how, how long it ran, and when that was.
    Completed { task: Task, outcome: TaskOutcome, busy: Duration, at: Duration },
    /// A bypass check has answered.
    Checked { task: Task, answer: Result<Bypass<Value>, Exception> },
    /// A wait before a retry is over.
    Woken(Task),
    /// An attempt has had its time.
    TimedOut { task: Task, at: Duration },
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

/// A piece of work that leaves its run, with everything that it needs.
pub(super) struct Work {
    pub(super) kind: WorkKind,
    pub(super) task: Task,
    pub(super) input: OwnedPiped,
    /// What the body reads from its context, if it does.
    pub(super) previous: Vec<Previous>,
    pub(super) token: Option<Arc<Token>>,
}

impl Work {
    /// `wants_previous` says whether the body reads what came along from its context.
    pub(super) fn new(kind: WorkKind, task: Task, run: &mut Run, wants_previous: bool) -> Self {
        let previous = match kind {
            WorkKind::Body if wants_previous => run.previous(task),
            _ => Vec::new(),
        };
        let (input, token) = match kind {
            WorkKind::Body => (run.owned_task_input(task), run.token(task)),
            // The original's check sees the run, not what came along the arrow.
            WorkKind::BypassCheck => (OwnedPiped::Nothing, None),
        };
        Self { kind, task, input, previous, token }
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
