//! What an executor is given: jobs, and the tasks that it claims from them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

#[cfg(feature = "wire")]
use super::claimed::{ClaimedTasks, ClaimedTogether};

/// The right to run a task for an executor: which task that is, is decided when the job is run. A
/// job that is dropped without having run ends its task as lost.
pub struct Job(Option<(Arc<dyn JobSource>, u32)>);

/// Where a job's tasks come from: a run, which has a queue of them for each of its pools.
pub(crate) trait JobSource: Send + Sync {
    /// Runs tasks from the queue, `most` at most, while they are short; gives how many.
    /// `true` if there is more to do: then the job is still good.
    fn run(self: Arc<Self>, pool: u32, most: usize) -> (usize, bool);
    /// Takes a task from the queue.
    fn claim(self: Arc<Self>, pool: u32) -> Option<Box<dyn Claimed>>;
    /// Takes tasks from the queue that go together, `most` at most, if there are such.
    #[cfg(feature = "wire")]
    fn claim_together(self: Arc<Self>, pool: u32, most: usize) -> Option<Box<dyn ClaimedTogether>> {
        let _ = (pool, most);
        None
    }
    /// Hands a job that is still good to its executor again.
    fn resubmit(self: Arc<Self>, pool: u32);
    /// The executor will not run the job.
    fn job_dropped(self: Arc<Self>, pool: u32);
}

impl Job {
    pub(crate) fn new(source: Arc<dyn JobSource>, pool: u32) -> Self {
        Self(Some((source, pool)))
    }

    /// Runs the task on this thread. Never panics.
    pub fn run(mut self) {
        if let Some((source, pool)) = self.0.take() {
            let (_, more) = Arc::clone(&source).run(pool, 1);
            if more {
                source.resubmit(pool);
            }
        }
    }

    /// Runs a few tasks of the same run on this thread while they are short, `most` at most. Gives
    /// how many, and the job if there is more to do: put behind the jobs of other runs, it lets
    /// them have their turn. Never panics.
    pub fn run_some(mut self, most: usize) -> (usize, Option<Self>) {
        let Some((source, pool)) = self.0.take() else { return (0, None) };
        let (tasks, more) = Arc::clone(&source).run(pool, most);
        (tasks, more.then(|| Self::new(source, pool)))
    }

    /// Takes a task of an async event out, to run it in another way than by calling its body on this
    /// thread; `None` if there is none any more.
    pub fn claim(mut self) -> Option<ClaimedTask> {
        let (source, pool) = self.0.take()?;
        source.claim(pool).map(ClaimedTask)
    }

    /// Takes tasks out, to run them elsewhere one after the other, `most` at most: as many short
    /// ones of the same event as make some tens of microseconds, as measured, or one; `None` if
    /// there is none any more.
    #[cfg(feature = "wire")]
    pub fn claim_together(mut self, most: usize) -> Option<ClaimedTasks> {
        let (source, pool) = self.0.take()?;
        source.claim_together(pool, most).map(ClaimedTasks)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some((source, pool)) = self.0.take() {
            source.job_dropped(pool);
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job(..)")
    }
}

/// A task of an async event that an executor has claimed from a job. Dropped without an end, the
/// task ends as lost.
pub struct ClaimedTask(Box<dyn Claimed>);

/// A claimed task as its run knows it; see [`ClaimedTask`].
pub(crate) trait Claimed: Send + Sync {
    fn into_future(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl ClaimedTask {
    /// Runs the body, and tells the run of its end by itself; and then those of the tasks that its
    /// end leads to. Never panics.
    pub fn run_async(self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.into_future()
    }
}

impl fmt::Debug for ClaimedTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimedTask(..)")
    }
}
