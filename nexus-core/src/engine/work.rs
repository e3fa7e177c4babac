//! What leaves a run to be done, and what is told to it afterwards.

use std::sync::Arc;

use crate::cancel::Token;
use crate::context::Previous;
use crate::piped::OwnedPiped;
use crate::plan::Pace;
pub(super) use crate::run::Notification;
use crate::run::{Run, ShortQueue, Task};

/// What is to be done for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkKind {
    /// Ask whether to skip it.
    BypassCheck,
    /// Run its body.
    Body,
}

/// Work of the driving thread, in the order in which it is to be done.
pub(super) type InlineQueue = ShortQueue<(WorkKind, Task)>;

/// How much work a worker takes at once, in nanoseconds.
pub(super) const CHUNK_NANOS: u32 = 30_000;

/// How long a task will take.
#[cfg(not(shuttle))]
fn expected(pace: &Pace) -> Option<u32> {
    pace.nanos()
}

/// The model checker needs the same answer in each run: chunks of two.
#[cfg(shuttle)]
fn expected(_: &Pace) -> Option<u32> {
    Some(CHUNK_NANOS / 2)
}

/// A piece of work that leaves its run, with everything that it needs.
pub(super) struct Work {
    pub(super) kind: WorkKind,
    pub(super) task: Task,
    pub(super) input: OwnedPiped,
    /// What the body reads from its context, if it does.
    pub(super) previous: Vec<Previous>,
    pub(super) token: Option<Arc<Token>>,
    /// The body, if the work may go together with other work of the same body.
    pub(super) together: Option<u32>,
    /// How long it will take, in nanoseconds; where that is not known, as long as a chunk.
    pub(super) expected: u32,
}

impl Work {
    /// The body of a task. `wants_previous` says whether it reads what came along from its context.
    pub(super) fn of_body(task: Task, run: &mut Run, wants_previous: bool) -> Self {
        let previous = if wants_previous { run.previous(task) } else { Vec::new() };
        let (input, token) = (run.owned_task_input(task), run.token(task));
        let body = run.plan.steps[task.step as usize].body;
        let expected = expected(&run.plan.paces[body as usize]);
        Self {
            kind: WorkKind::Body,
            task,
            input,
            previous,
            together: token.is_none().then_some(body),
            token,
            expected: expected.map_or(CHUNK_NANOS, |nanos| nanos.min(CHUNK_NANOS)),
        }
    }

    /// The bypass check of a task, which sees the run, not what came along the arrow.
    pub(super) fn of_check(task: Task) -> Self {
        Self {
            kind: WorkKind::BypassCheck,
            task,
            input: OwnedPiped::Nothing,
            previous: Vec::new(),
            token: None,
            together: None,
            expected: CHUNK_NANOS,
        }
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
