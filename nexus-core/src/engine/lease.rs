//! What a worker has of a run's work, and what it does next.

use super::chunk::Chunk;
use super::work::Work;
use crate::run::Task;

/// What a worker has of a queue, and whether it would have more.
#[derive(Clone, Copy)]
pub(super) struct Lease<'a> {
    pub(super) pool: u32,
    pub(super) hold: Hold<'a>,
    /// Whether the worker would go on with the next task.
    pub(super) renewable: bool,
    /// Whether its notifications may wait until somebody has more.
    pub(super) deferrable: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Hold<'a> {
    /// A task that its executor has run in its own way.
    Task(Task),
    /// Of the tasks that were claimed together with this job: those that have ended.
    #[cfg_attr(
        not(feature = "wire"),
        allow(dead_code, reason = "no executor of this build runs bodies elsewhere")
    )]
    Together(u32, &'a [Task]),
    /// The chunk of a thread, which would take so many more tasks.
    Chunk(&'a Chunk, usize),
}

impl Hold<'_> {
    /// How many bodies have come to their end.
    pub(super) fn bodies(&self) -> usize {
        match self {
            Self::Together(_, tasks) => tasks.len(),
            Self::Task(_) | Self::Chunk(..) => 1,
        }
    }
}

/// What a worker does after it has delivered its notification.
pub(super) enum WorkerNext {
    /// It goes on with this task, for an executor that runs it in its own way.
    Continue(Work),
    /// It goes on with its chunk, which is full again.
    Refilled,
    /// It hands its job back to the executor: there is more to do.
    Resubmit,
    /// Its job is done.
    Done,
    /// It was abandoned meanwhile, job and all.
    Abandoned,
}
