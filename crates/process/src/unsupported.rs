//! Worker processes need Unix sockets and signals, and memory that processes share (`vm-memory`).

use nexus_core::{BodyKind, ConfigError, Executor, ExecutorInitializerConfig, Job};

/// Runs tasks in worker processes, on 64-bit Unix systems.
#[derive(Debug)]
pub struct ProcessPoolExecutor(());

impl Executor for ProcessPoolExecutor {
    const RUNS: BodyKind = BodyKind::Remote;

    fn from_config(_config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        let message = "worker processes need a 64-bit Unix system; use `ThreadPoolExecutor` here";
        Err(ConfigError::Other(message.to_owned()))
    }

    fn submit(&self, job: Job) {
        drop(job);
    }
}
