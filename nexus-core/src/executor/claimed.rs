//! Tasks that an executor runs elsewhere, such as in another process.

use std::any::Any;
use std::fmt;
use std::task::Waker;

use crate::outcome::{Exception, TaskOutcome};
use crate::telemetry::TraceContext;

/// Tasks that an executor has claimed from a job, to run them elsewhere, one after the other in
/// this order.
///
/// Those that have not ended are numbered from 0; as the first one ends, the others move up. What
/// has ended is kept here until [`deliver`](Self::deliver) tells the run. When this is dropped, what
/// has not ended ends as lost.
pub struct ClaimedTasks(pub(crate) Box<dyn ClaimedTogether>);

/// Claimed tasks as their run knows them; see [`ClaimedTasks`].
pub(crate) trait ClaimedTogether: Any + Send {
    fn len(&self) -> usize;
    fn start(&mut self) -> bool;
    fn is_cancelled(&self, index: usize) -> bool;
    fn on_cancel(&self, waker: &Waker);
    fn progress(&mut self, done: u64, total: u64);
    fn trace(&mut self, index: usize) -> Option<TraceContext>;
    fn said(&mut self, said: &[u8]);
    fn end(&mut self, index: usize, outcome: TaskOutcome);
    fn give_back(&mut self, from: usize);
    fn claim_more(&mut self, most: usize) -> Option<Box<dyn ClaimedTogether>>;
    fn deliver(&mut self);
}

impl ClaimedTasks {
    /// How many tasks have not ended.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether all tasks have ended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where in a trace a task runs, if somebody traces it: to be sent with the task
    /// ([`TaskHost::trace_next`](crate::TaskHost::trace_next)).
    pub fn trace(&mut self, index: usize) -> Option<TraceContext> {
        self.0.trace(index)
    }

    /// The body of the first task has said something to the telemetry of its process.
    pub fn said(&mut self, said: &[u8]) {
        self.0.said(said);
    }

    /// The first task's body begins now: its timeout counts from here. `false` if it is not wanted
    /// any more.
    pub fn start(&mut self) -> bool {
        self.0.start()
    }

    /// Whether a task's result is no longer wanted, so that its body is to be ended, or not to
    /// begin.
    pub fn is_cancelled(&self, index: usize) -> bool {
        self.0.is_cancelled(index)
    }

    /// Calls the waker when the result of one of the tasks is no longer wanted; at once if one is
    /// not any more. A new waker replaces the old one.
    pub fn on_cancel(&self, waker: &Waker) {
        self.0.on_cancel(waker);
    }

    /// The first task's body says how far it is.
    pub fn progress(&mut self, done: u64, total: u64) {
        self.0.progress(done, total);
    }

    /// A task cannot be run, or its worker was lost: it ends with this exception. One of the kind
    /// [`WorkerLost`](crate::ExceptionKind::WorkerLost) is tried again with another worker.
    pub fn fail(&mut self, index: usize, exception: Exception) {
        self.0.end(index, TaskOutcome::Exception(exception));
    }

    /// The tasks from this one on have not begun, and somebody else may run them. It counts as if
    /// they had never been claimed.
    pub fn give_back(&mut self, from: usize) {
        self.0.give_back(from);
    }

    /// More tasks of the same job, to run after these; see
    /// [`Job::claim_together`](crate::Job::claim_together). `None` also where a few short ones wait and
    /// the run has not been told of what has ended: that may lead to others.
    #[must_use]
    pub fn claim_more(&mut self, most: usize) -> Option<Self> {
        self.0.claim_more(most).map(Self)
    }

    /// Tells the run of all that has ended since this was last called.
    pub fn deliver(&mut self) {
        self.0.deliver();
    }
}

impl fmt::Debug for ClaimedTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimedTasks").field("len", &self.len()).finish()
    }
}
