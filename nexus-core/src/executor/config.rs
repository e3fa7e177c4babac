//! How an executor is set up (tutorial, "Simple Executor Configuration").

/// The set-up of an executor; whatever is left out has the executor's default.
///
/// ```
/// use nexus_core::ExecutorInitializerConfig;
/// let config = ExecutorInitializerConfig::new()
///     .max_workers(4)
///     .max_tasks_per_child(50)
///     .thread_name_prefix("event_executor_");
/// assert_eq!(config.workers(), Some(4));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[must_use = "a configuration does nothing until an executor is built from it"]
pub struct ExecutorInitializerConfig {
    max_workers: Option<usize>,
    max_tasks_per_child: Option<usize>,
    thread_name_prefix: Option<String>,
    stack_size: Option<usize>,
    max_concurrency: Option<usize>,
}

impl ExecutorInitializerConfig {
    /// All defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// At most this many workers at a time, at least 1. Default: the machine's processors.
    pub fn max_workers(mut self, workers: usize) -> Self {
        self.max_workers = Some(workers);
        self
    }

    /// A worker is replaced by a new one after this many tasks, at least 1. Default: never.
    pub fn max_tasks_per_child(mut self, tasks: usize) -> Self {
        self.max_tasks_per_child = Some(tasks);
        self
    }

    /// What the names of the worker threads begin with. Default: `nexus-`.
    pub fn thread_name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.thread_name_prefix = Some(prefix.into());
        self
    }

    /// Bytes of stack for each worker thread. Default: the standard library's.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// At most this many tasks at a time, for executors that are not bound to workers.
    pub fn max_concurrency(mut self, tasks: usize) -> Self {
        self.max_concurrency = Some(tasks);
        self
    }

    /// What was given as `max_workers`.
    pub fn workers(&self) -> Option<usize> {
        self.max_workers
    }

    /// What was given as `max_tasks_per_child`.
    pub fn tasks_per_child(&self) -> Option<usize> {
        self.max_tasks_per_child
    }

    /// What was given as `thread_name_prefix`.
    pub fn name_prefix(&self) -> Option<&str> {
        self.thread_name_prefix.as_deref()
    }

    /// What was given as `stack_size`, in bytes.
    pub fn stack_bytes(&self) -> Option<usize> {
        self.stack_size
    }

    /// Whether it says how threads are to be: their names, their stacks, or how long they last.
    pub(crate) fn describes_threads(&self) -> bool {
        let Self { thread_name_prefix, stack_size, max_tasks_per_child, .. } = self;
        thread_name_prefix.is_some() || stack_size.is_some() || max_tasks_per_child.is_some()
    }

    /// What was given as `max_concurrency`.
    pub fn concurrency(&self) -> Option<usize> {
        self.max_concurrency
    }

    /// What people and metrics call the pool of an executor type with this configuration, such as
    /// `ThreadPoolExecutor(max_workers: 4)`; the name in [`PoolInfo`](crate::PoolInfo).
    pub fn pool_name(&self, executor: &str) -> String {
        let counts = [
            ("max_workers", self.max_workers),
            ("max_tasks_per_child", self.max_tasks_per_child),
            ("stack_size", self.stack_size),
            ("max_concurrency", self.max_concurrency),
        ];
        let counts = counts.iter().filter_map(|(key, count)| Some(format!("{key}: {}", (*count)?)));
        let prefix = self.name_prefix().map(|prefix| format!("thread_name_prefix: {prefix}"));
        let settings = counts.chain(prefix).collect::<Vec<_>>().join(", ");
        if settings.is_empty() { executor.to_owned() } else { format!("{executor}({settings})") }
    }

    /// Checks that no count is 0, and that the prefix can begin a name.
    ///
    /// # Errors
    ///
    /// Names the key whose value is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        let counts = [
            ("max_workers", self.max_workers),
            ("max_tasks_per_child", self.max_tasks_per_child),
            ("stack_size", self.stack_size),
            ("max_concurrency", self.max_concurrency),
        ];
        if let Some((key, _)) = counts.iter().find(|(_, count)| *count == Some(0)) {
            return Err(ConfigError::Zero { key });
        }
        if self.name_prefix().is_some_and(|prefix| prefix.contains('\0')) {
            let message = "`thread_name_prefix` holds a NUL, which a thread's name cannot";
            return Err(ConfigError::Other(message.to_owned()));
        }
        Ok(())
    }
}

/// A configuration that an executor cannot use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A count is 0.
    #[error(
        "`{key}` is 0, so nothing could ever run; give at least 1, or leave it out for the default"
    )]
    Zero {
        /// The key.
        key: &'static str,
    },
    /// The executor has no such setting.
    #[error(
        "`{executor}` takes no `executor_config`; remove it, or name an executor that has workers"
    )]
    NotConfigurable {
        /// The executor's name.
        executor: String,
    },
    /// The executor could not be set up.
    #[error("cannot set up the executor: {0}")]
    Other(String),
}
