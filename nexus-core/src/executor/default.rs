use super::{ConfigError, Executor, ExecutorInitializerConfig, Job};

/// Runs tasks in sequence on the thread that drives the run (tutorial, "Default Behavior").
///
/// Steps that name no executor run here too, except where they may run beside each other: the
/// members of `A || B` and the items of an `each` step then share the engine's thread pool.
#[derive(Debug, Clone, Copy)]
pub struct DefaultExecutor;

impl Executor for DefaultExecutor {
    fn from_config(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        if *config == ExecutorInitializerConfig::default() {
            return Ok(Self);
        }
        Err(ConfigError::NotConfigurable { executor: "DefaultExecutor".to_owned() })
    }

    fn submit(&self, job: Job) {
        job.run();
    }
}
