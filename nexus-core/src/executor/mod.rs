//! Where the bodies of tasks run.

mod config;
mod default;
#[cfg(all(unix, feature = "process"))]
pub(crate) mod process;
#[cfg(all(not(unix), feature = "process"))]
#[path = "process_elsewhere.rs"]
pub(crate) mod process;
pub(crate) mod thread_pool;

use std::any::{TypeId, type_name};
use std::fmt;
use std::sync::Arc;

pub use config::{ConfigError, ExecutorInitializerConfig};
pub use default::DefaultExecutor;
#[cfg(feature = "process")]
pub use process::ProcessPoolExecutor;
pub use thread_pool::ThreadPoolExecutor;

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

    /// Finishes what was submitted and ends the workers. Called once, when the engine goes.
    fn shutdown(&self) {}
}

/// One task for an executor. A job that is dropped without having run ends its task as lost.
pub struct Job(Option<Box<dyn Runnable>>);

/// A task that an executor has taken out of a job, to run it in another way than by calling its
/// body on this thread. Dropped without an end, the task ends as lost.
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
}

/// What a job does when it is run, and when it never is.
pub(crate) trait Runnable: Send {
    fn run(self: Box<Self>);
    fn take(self: Box<Self>) -> Option<Box<dyn Taken>> {
        self.lost();
        None
    }
    fn lost(self: Box<Self>);
}

impl Job {
    pub(crate) fn new(work: impl Runnable + 'static) -> Self {
        Self(Some(Box::new(work)))
    }

    /// Takes the task out; `None` if there is none any more.
    pub(crate) fn take(mut self) -> Option<Box<dyn Taken>> {
        self.0.take().and_then(Runnable::take)
    }

    /// Runs the task. Never panics.
    pub fn run(mut self) {
        if let Some(work) = self.0.take() {
            work.run();
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work.lost();
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job(..)")
    }
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

    /// Whether bodies run in other processes, to which everything must be able to cross.
    pub(crate) fn is_process(&self) -> bool {
        PROCESS == Some(self.id)
    }
}

#[cfg(feature = "process")]
const PROCESS: Option<TypeId> = Some(TypeId::of::<ProcessPoolExecutor>());
#[cfg(not(feature = "process"))]
const PROCESS: Option<TypeId> = None;

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
