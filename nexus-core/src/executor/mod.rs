//! Where the bodies of tasks run.

#[cfg(feature = "wire")]
mod claimed;
mod config;
mod default;
mod job;
mod kind;
mod thread_pool;
#[cfg(feature = "tokio")]
mod tokio;
mod waiting;

use std::fmt;

#[cfg(feature = "wire")]
pub use claimed::ClaimedTasks;
#[cfg(feature = "wire")]
pub(crate) use claimed::ClaimedTogether;
pub use config::{ConfigError, ExecutorInitializerConfig};
pub use default::DefaultExecutor;
pub(crate) use job::{Claimed, JobSource};
pub use job::{ClaimedTask, Job};
pub(crate) use kind::AnyExecutor;
pub use kind::ExecutorKind;
#[cfg(feature = "registry")]
pub use kind::LinkedExecutor;
pub use thread_pool::ThreadPoolExecutor;
#[cfg(feature = "tokio")]
pub use tokio::AsyncExecutor;
pub(crate) use waiting::{while_blocked, yield_slot};

/// Runs jobs somewhere. An event names its executor by type: `executor = ThreadPoolExecutor`. One with
/// type parameters is named with them, also where they have defaults; in a flow by a `type` alias.
///
/// An engine makes one executor for each type and configuration that its flows name, on first
/// use, and shares it among all of them.
///
/// ```
/// use nexus_core::{ConfigError, Executor, ExecutorInitializerConfig, Job};
///
/// /// A new thread for every task.
/// #[derive(Debug)]
/// struct ThreadEach;
///
/// impl Executor for ThreadEach {
///     fn from_config(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
///         config.check().map(|()| Self)
///     }
///     fn submit(&self, job: Job) {
///         // Should the thread not start, the job is dropped, and its task ends as an exception.
///         let _ = std::thread::Builder::new().spawn(move || job.run());
///     }
/// }
/// ```
///
/// An executor that runs bodies in other processes says so with [`RUNS`](Self::RUNS), claims the
/// tasks of its jobs (`Job::claim_together`), serialises what the other process needs, and completes
/// the tasks with what comes back. The other process runs them with a `TaskHost`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an executor",
    label = "not an executor",
    note = "write `DefaultExecutor`, `ThreadPoolExecutor`, `ProcessPoolExecutor`, or a type of your own that implements `nexus::Executor`"
)]
pub trait Executor: fmt::Debug + Send + Sync + 'static {
    /// What kind of bodies it runs, which decides what an event must be to run here.
    const RUNS: BodyKind = BodyKind::Blocking;

    /// Checks a configuration when a flow is planned, before anything is made of it.
    ///
    /// # Errors
    ///
    /// If the configuration makes no sense for this executor.
    fn check_config(config: &ExecutorInitializerConfig) -> Result<(), ConfigError>
    where
        Self: Sized,
    {
        config.check()
    }

    /// Makes the executor.
    ///
    /// # Errors
    ///
    /// If the configuration makes no sense for it, or the system does not have what it needs.
    fn from_config(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError>
    where
        Self: Sized;

    /// Takes a job over; it must not block until the job is done.
    fn submit(&self, job: Job);

    /// How many jobs of one run it can use at a time; the run keeps the others back until some are
    /// done. So a run with many tasks does not get in the way of other runs. Default: no bound.
    fn parallelism(&self) -> usize {
        usize::MAX
    }

    /// A body that this executor runs was abandoned: its result is not wanted, and it cannot be
    /// ended. An executor with a fixed number of threads may run another job in its place until
    /// [`reclaim`](Self::reclaim) is called, and need not wait for it in
    /// [`shutdown`](Self::shutdown).
    fn abandon(&self) {}

    /// An abandoned body has ended after all. Another thread may say so a moment before
    /// [`abandon`](Self::abandon) is called for it.
    fn reclaim(&self) {}

    /// Calls `poll`, which polls an async body outside of this executor's own threads.
    #[doc(hidden)]
    fn enter(&self, poll: &mut dyn FnMut()) {
        poll();
    }

    /// Calls `work` on this thread in place of one of this executor's own, if one of those is free;
    /// and again while it says that there is more, and nobody waits for the place. Says whether it did.
    #[doc(hidden)]
    fn visit(&self, work: &mut dyn FnMut() -> bool) -> bool {
        let _ = work;
        false
    }

    /// Finishes what was submitted and ends the workers. Called once, when the engine goes.
    fn shutdown(&self) {}
}

/// What kind of bodies an executor runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// Plain functions, called on a thread of this process.
    Blocking,
    /// `async fn` events, polled by a runtime.
    Async,
    /// Plain functions, called in another process: what an event takes and yields must be
    /// serialisable, and a body that is not wanted any more can be ended.
    Remote,
}
