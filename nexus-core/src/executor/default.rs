//! The executor of steps that name none.

use super::{ConfigError, Executor, ExecutorInitializerConfig, Job};

/// Runs tasks in sequence on the thread that drives the run (tutorial, "Default Behavior").
///
/// Steps that name no executor run here too, except where they may run beside each other: the
/// members of `A || B` and the items of an `each` step then share the engine's thread pool.
#[derive(Debug, Clone, Copy)]
pub struct DefaultExecutor;

impl Executor for DefaultExecutor {
    fn check_config(config: &ExecutorInitializerConfig) -> Result<(), ConfigError> {
        if *config == ExecutorInitializerConfig::default() {
            return Ok(());
        }
        Err(ConfigError::NotConfigurable { executor: "DefaultExecutor".to_owned() })
    }

    fn from_config(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        Self::check_config(config).map(|()| Self)
    }

    fn submit(&self, job: Job) {
        job.run();
    }
}
