//! What a simulation has of a pool, a task and a run.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;
use std::time::Duration;

use super::super::ledger::Ledger;
use crate::context::RunId;
use crate::error::Result;
use crate::executor::Job;
use crate::report::Report;
use crate::run::Task;

/// How often somebody tries a run again.
pub(super) const MOST_TRIES: u32 = 2;

type RunFuture = Pin<Box<dyn Future<Output = Result<Report>> + Send>>;
type TaskFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(super) struct SimulatedPool {
    pub(super) workers: usize,
    pub(super) blocks: bool,
    pub(super) jobs: VecDeque<Job>,
    pub(super) running: usize,
    pub(super) abandoned: isize,
}

pub(super) struct TaskSlot {
    /// Not there while it is polled.
    pub(super) future: Option<TaskFuture>,
    pub(super) woken: Arc<Flag>,
    pub(super) sleeps_until: Option<Duration>,
    pub(super) pool: usize,
}

pub(super) struct RunSlot {
    pub(super) key: Arc<str>,
    pub(super) id: RunId,
    /// Not there while it is polled, and when it has ended.
    pub(super) future: Option<RunFuture>,
    pub(super) woken: Arc<Flag>,
    pub(super) report: Option<Report>,
    pub(super) ledger: Ledger,
    /// When somebody cancels it, and whether from another process.
    pub(super) cancel: Option<(Duration, bool)>,
    /// When somebody tries it again that is over, and from which step if not from what failed; how
    /// often that may still be; and what it said before.
    pub(super) again: Option<(Duration, Option<u32>)>,
    pub(super) tries: u32,
    pub(super) before: Option<Report>,
}

impl SimulatedPool {
    /// Whether its bodies block threads.
    pub(super) fn blocks(&self) -> bool {
        self.blocks
    }

    /// Whether a job waits, and a worker is free.
    pub(super) fn can_begin(&self) -> bool {
        let workers = self.workers.saturating_add_signed(self.abandoned);
        !self.jobs.is_empty() && self.running < workers
    }
}

impl TaskSlot {
    /// Whether there is something to poll it for. One that `blocks` a thread cannot be told to stop.
    pub(super) fn can_go_on(&self, now: Duration, blocks: bool) -> bool {
        let is_due = self.sleeps_until.is_some_and(|at| at <= now);
        let is_woken = self.woken.is_raised() && !(blocks && self.sleeps_until.is_some());
        self.future.is_some() && (is_due || is_woken)
    }
}

/// A task that waits for the world outside.
#[derive(Debug, Clone, Copy)]
pub(super) struct PendingTask {
    pub(super) run: usize,
    pub(super) task: Task,
    /// When the world outside says how it ended.
    pub(super) at: Duration,
}

/// Whether something was woken.
#[derive(Default)]
pub(super) struct Flag(AtomicBool);

impl Flag {
    pub(super) fn raised() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }

    pub(super) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
