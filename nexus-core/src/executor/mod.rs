//! Where the bodies of tasks run.

mod config;
mod default;
#[cfg(all(unix, feature = "process"))]
pub(crate) mod process;
#[cfg(all(not(unix), feature = "process"))]
#[path = "process_elsewhere.rs"]
pub(crate) mod process;
pub(crate) mod thread_pool;
#[cfg(feature = "tokio")]
pub(crate) mod tokio;

use std::any::{TypeId, type_name};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

pub use config::{ConfigError, ExecutorInitializerConfig};
pub use default::DefaultExecutor;
#[cfg(feature = "process")]
pub use process::ProcessPoolExecutor;
pub use thread_pool::ThreadPoolExecutor;
#[cfg(feature = "tokio")]
pub use tokio::AsyncExecutor;

use crate::cancel::Token;
use crate::outcome::{Exception, TaskOutcome};
use crate::value::short_type_name;

/// Runs jobs somewhere. An event names its executor by type: `executor = ThreadPoolExecutor`.
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an executor",
    label = "not an executor",
    note = "write `DefaultExecutor`, `ThreadPoolExecutor`, `ProcessPoolExecutor`, or a type of your own that implements `nexus::Executor`"
)]
pub trait Executor: fmt::Debug + Send + Sync + 'static {
    /// Makes the executor.
    ///
    /// # Errors
    ///
    /// If the configuration makes no sense for it.
    fn from_config(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError>
    where
        Self: Sized;

    /// Takes a job over; it must not block until the job is done.
    fn submit(&self, job: Job);

    /// How many jobs of one run it can use at a time; the run keeps the others back until some are
    /// done. So a run with many tasks does not get in the way of other runs. Default: no bound.
    fn breadth(&self) -> usize {
        usize::MAX
    }

    /// A body that this executor runs was given up: its result is not wanted, and it cannot be
    /// ended. An executor with a fixed number of threads may run another job in its place until
    /// [`regain`](Self::regain) is called, and need not wait for it in [`shutdown`](Self::shutdown).
    fn give_up(&self) {}

    /// A body that was given up has ended after all. Another thread may say so a moment before
    /// [`give_up`](Self::give_up) is called for it.
    fn regain(&self) {}

    /// Calls `poll`, which polls an async body outside of this executor's own threads.
    #[doc(hidden)]
    fn within(&self, poll: &mut dyn FnMut()) {
        poll();
    }

    /// Finishes what was submitted and ends the workers. Called once, when the engine goes.
    fn shutdown(&self) {}
}

/// The right to run a task for an executor. A job that is dropped without having run ends its task
/// as lost.
pub struct Job(Option<(Arc<dyn Source>, u32)>);

/// Where a job's tasks come from: a run, which has a queue of them for each of its pools.
#[cfg_attr(
    not(all(feature = "process", feature = "tokio")),
    allow(dead_code, reason = "executors that take tasks out are left out of this build")
)]
pub(crate) trait Source: Send + Sync {
    /// Runs tasks from the queue, `most` at most, while they are short; gives how many.
    /// `true` if there is more to do: then the job is still good.
    fn run(self: Arc<Self>, pool: u32, most: usize) -> (usize, bool);
    /// Takes a task from the queue.
    fn take(self: Arc<Self>, pool: u32) -> Option<Box<dyn Taken>>;
    /// Hands a job that is still good to its executor again.
    fn submit_again(self: Arc<Self>, pool: u32);
    /// The executor will not run the job.
    fn lose(self: Arc<Self>, pool: u32);
}

/// A task that an executor has taken out of a job, to run it in another way than by calling its
/// body on this thread. Dropped without an end, the task ends as lost.
#[cfg_attr(
    not(all(feature = "process", feature = "tokio")),
    allow(dead_code, reason = "executors that take tasks out are left out of this build")
)]
pub(crate) trait Taken: Send + Sync {
    /// What a worker process needs to run the task; `None` for code that only this process has,
    /// such as a mock.
    fn request(&self) -> Option<Result<Vec<u8>, Exception>>;
    /// What a worker process replied to the request.
    fn outcome(&self, reply: &[u8]) -> TaskOutcome;
    /// Raised when the result is no longer wanted; then whoever runs the body stops it if they can.
    fn token(&self) -> &Token;
    /// The body begins now: its timeout counts from here. `false` if it is not wanted any more;
    /// then the task is to be dropped.
    fn start(&self) -> bool;
    /// The body says how far it is.
    fn progress(&self, done: u64, total: u64);
    /// The body has ended elsewhere.
    fn finish(self: Box<Self>, outcome: TaskOutcome);
    /// Runs the body on this thread.
    fn run(self: Box<Self>);
    /// Runs an async event's body, and tells of its end by itself. Never panics.
    fn future(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl Job {
    pub(crate) fn new(source: Arc<dyn Source>, pool: u32) -> Self {
        Self(Some((source, pool)))
    }

    /// Runs the task. Never panics.
    pub fn run(mut self) {
        if let Some((source, pool)) = self.0.take() {
            let (_, more) = Arc::clone(&source).run(pool, 1);
            if more {
                source.submit_again(pool);
            }
        }
    }

    /// Runs a few tasks while they are short. Gives how many, and the job if there is more to do.
    pub(crate) fn run_some(mut self, most: usize) -> (usize, Option<Self>) {
        let Some((source, pool)) = self.0.take() else { return (0, None) };
        let (tasks, more) = Arc::clone(&source).run(pool, most);
        (tasks, more.then(|| Self::new(source, pool)))
    }

    /// Takes a task out, to run it in another way; `None` if there is none any more.
    #[cfg_attr(
        not(all(feature = "process", feature = "tokio")),
        allow(dead_code, reason = "executors that take tasks out are left out of this build")
    )]
    pub(crate) fn take(mut self) -> Option<Box<dyn Taken>> {
        let (source, pool) = self.0.take()?;
        source.take(pool)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some((source, pool)) = self.0.take() {
            source.lose(pool);
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job(..)")
    }
}

/// An async event waits for a run of its own: until this is dropped, it does not count among the
/// tasks of its executor.
#[cfg(feature = "tokio")]
pub(crate) fn leave_place() -> Option<impl Sized + Send> {
    tokio::Blocked::here()
}

/// Without async events nothing is to be given up.
#[cfg(not(feature = "tokio"))]
pub(crate) fn leave_place() -> Option<()> {
    None
}

/// A type of executor, by which events and plans name it.
#[derive(Clone, Copy)]
pub struct ExecutorKind {
    pub(crate) id: TypeId,
    name: fn() -> &'static str,
    pub(crate) build: fn(&ExecutorInitializerConfig) -> Result<Arc<dyn Executor>, ConfigError>,
}

impl ExecutorKind {
    /// The executor type `E`.
    pub const fn of<E: Executor>() -> Self {
        Self {
            id: TypeId::of::<E>(),
            name: type_name::<E>,
            build: |config| Ok(Arc::new(E::from_config(config)?)),
        }
    }

    /// The type's name, without modules.
    pub fn name(&self) -> String {
        short_type_name((self.name)())
    }

    pub(crate) fn is_default(&self) -> bool {
        self.id == TypeId::of::<DefaultExecutor>()
    }

    /// Whether its executors run async events, and no others.
    #[cfg_attr(not(feature = "tokio"), expect(clippy::unused_self, reason = "there is none"))]
    pub(crate) fn is_async(&self) -> bool {
        #[cfg(feature = "tokio")]
        return self.id == TypeId::of::<AsyncExecutor>();
        #[cfg(not(feature = "tokio"))]
        false
    }

    /// Whether bodies run in other processes, to which everything must be able to cross.
    #[cfg_attr(not(feature = "process"), expect(clippy::unused_self, reason = "there is none"))]
    pub(crate) fn is_process(&self) -> bool {
        #[cfg(feature = "process")]
        return self.id == TypeId::of::<ProcessPoolExecutor>();
        #[cfg(not(feature = "process"))]
        false
    }
}

impl PartialEq for ExecutorKind {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for ExecutorKind {}

impl fmt::Debug for ExecutorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}
