//! What an executor is given: jobs, and the tasks that it claims from them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

use crate::cancel::Token;
use crate::outcome::{Exception, TaskOutcome};

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

    /// Takes a task out, to run it in another way than by calling its body on this thread; `None`
    /// if there is none any more.
    pub fn claim(mut self) -> Option<ClaimedTask> {
        let (source, pool) = self.0.take()?;
        source.claim(pool).map(ClaimedTask)
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

/// A task that an executor has claimed from a job, to run it in another way than by calling its
/// body on this thread. Dropped without an end, the task ends as lost.
pub struct ClaimedTask(Box<dyn Claimed>);

/// What another process needs to run a task.
#[cfg(feature = "wire")]
pub(crate) trait RemoteRequest: erased_serde::Serialize {
    /// Why it could not be serialised: an exception of the event that names the part.
    fn explain(&self, cause: &dyn fmt::Display) -> Exception;
}

/// A claimed task as its run knows it; see [`ClaimedTask`].
pub(crate) trait Claimed: Send + Sync {
    /// `None` once the task has ended.
    #[cfg(feature = "wire")]
    fn request(&self) -> Option<Box<dyn RemoteRequest + '_>>;
    /// The body has ended in another process, with this reply.
    #[cfg(feature = "wire")]
    fn complete_remote(self: Box<Self>, reply: &mut dyn erased_serde::Deserializer<'static>);
    fn token(&self) -> &Token;
    fn start(&self) -> bool;
    fn progress(&self, done: u64, total: u64);
    fn complete(self: Box<Self>, outcome: TaskOutcome);
    fn into_future(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl ClaimedTask {
    /// Serialises what another process needs to run the task: which event it is, what its context
    /// says, its parameters. A [`TaskHost`](crate::TaskHost) reads it.
    ///
    /// # Errors
    ///
    /// If a part cannot be serialised: the exception to [`fail`](Self::fail) the task with.
    #[cfg(feature = "wire")]
    pub fn write_request<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, Exception> {
        // Serialize is user code.
        crate::panic::contain(|| match self.0.request() {
            Some(request) => erased_serde::serialize(&*request, serializer)
                .map_err(|cause| request.explain(&cause)),
            None => Err(Exception::not_run("the task has ended already")),
        })?
    }

    /// The body begins now: its timeout counts from here. `false` if it is not wanted any more;
    /// then the task is to be dropped.
    pub fn start(&self) -> bool {
        self.0.start()
    }

    /// Whether the task's result is no longer wanted, so that its body is to be ended.
    pub fn is_cancelled(&self) -> bool {
        self.0.token().is_raised()
    }

    /// Calls the waker when the task's result is no longer wanted; at once if it is not any more. A
    /// new waker replaces the old one.
    pub fn on_cancel(&self, waker: &Waker) {
        self.0.token().on_raise(waker);
    }

    /// The body says how far it is.
    pub fn progress(&self, done: u64, total: u64) {
        self.0.progress(done, total);
    }

    /// The body has ended in another process, with this reply of a
    /// [`TaskHost`](crate::TaskHost). One that cannot be read is an exception of the event.
    #[cfg(feature = "wire")]
    pub fn complete<D: serde::Deserializer<'static>>(self, reply: D) {
        self.0.complete_remote(&mut <dyn erased_serde::Deserializer<'static>>::erase(reply));
    }

    /// The task cannot be run, or its worker was lost: it ends with this exception. One of the kind
    /// [`WorkerLost`](crate::ExceptionKind::WorkerLost) is tried again with another worker.
    pub fn fail(self, exception: Exception) {
        self.0.complete(TaskOutcome::Exception(exception));
    }

    /// Runs an async event's body, and tells the run of its end by itself; and then those of the
    /// tasks that its end leads to. Never panics.
    pub fn run_async(self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.into_future()
    }
}

impl fmt::Debug for ClaimedTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimedTask(..)")
    }
}
