//! The executor: a pool of worker processes, which re-execute this program.

use std::fmt;
use std::sync::Arc;

use nexus_core::{BodyKind, ConfigError, Executor, ExecutorInitializerConfig, Job};

use crate::child::GRACE;
use crate::entry::{Entry, is_worker};
use crate::supervisor::{Shared, is_own_thread};

/// Runs tasks in worker processes (tutorial, "Using Process Pool Executor").
///
/// A worker is this program once more, which looks the event up by its name. So `main` begins with
/// [`nexus::init()`](crate::init), and a test binary has the line
/// [`nexus::test_workers!()`](crate::test_workers).
///
/// Workers start when there is work for them. One that is killed, aborts, overflows its stack or
/// exits costs the task that it held, and is replaced. Settings: `max_workers` (default: the
/// machine's processors; inside of a worker process, 1), `max_tasks_per_child` (the process is
/// replaced after so many tasks), `stack_size` and `thread_name_prefix` (of the thread in the
/// worker that runs the bodies).
pub struct ProcessPoolExecutor {
    shared: Arc<Shared>,
}

/// More processes than this in one pool are refused by most systems anyway.
const MAX_WORKERS: usize = 1 << 15;

impl ProcessPoolExecutor {
    /// A pool with this configuration. Its processes start with its first jobs.
    ///
    /// # Errors
    ///
    /// If a count is 0, the prefix holds a NUL, or the program does not have the line that its
    /// worker processes need; the message says what to write.
    pub fn new(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let prefix = config.name_prefix().unwrap_or("nexus-").to_owned();
        let default = if is_worker() {
            1
        } else {
            std::thread::available_parallelism().map_or(1, usize::from)
        };
        Ok(Self {
            shared: Arc::new(Shared::new(
                Entry::find()?,
                config.workers().unwrap_or(default).min(MAX_WORKERS),
                config.tasks_per_child().unwrap_or(usize::MAX),
                prefix,
                config.stack_bytes(),
            )),
        })
    }

    /// How many processes this pool has started so far, replacements included.
    pub fn processes_started(&self) -> usize {
        self.shared.started()
    }
}

impl Executor for ProcessPoolExecutor {
    const RUNS: BodyKind = BodyKind::Remote;

    fn from_config(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        Self::new(config)
    }

    fn submit(&self, job: Job) {
        self.shared.submit(job);
    }

    fn parallelism(&self) -> usize {
        self.shared.max_workers()
    }

    fn shutdown(&self) {
        self.shared.close();
        // A thread of this pool that drops the last handle of its own engine must not wait for
        // itself.
        let own = usize::from(is_own_thread(&self.shared));
        self.shared.wait_for_end(own, GRACE);
    }
}

impl Drop for ProcessPoolExecutor {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl fmt::Debug for ProcessPoolExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessPoolExecutor")
            .field("max_workers", &self.shared.max_workers())
            .field("started", &self.processes_started())
            .finish_non_exhaustive()
    }
}
