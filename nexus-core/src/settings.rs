//! The settings of an event: what its attribute says, before a flow adds to it.

use std::time::Duration;

use nexus_pointy::settings::EvaluationState as Evaluation;

use crate::executor::{Executor, ExecutorInitializerConfig, ExecutorKind};
use crate::retry::{IntoRetryPolicy, RetryPolicy, RetryPolicyError};

/// When a step that was fed many items, or a `||` group, counts as a success (tutorial, "Event
/// Result Evaluation").
pub type EventExecutionEvaluationState = Evaluation;

/// The settings of an event, as `#[event(...)]` and
/// [`Registry::event`](crate::Registry::event) give them.
#[derive(Debug, Clone, Default)]
#[must_use = "settings do nothing until an event has them"]
pub struct EventSettings {
    pub(crate) executor: Option<ExecutorKind>,
    pub(crate) config: ExecutorInitializerConfig,
    pub(crate) retry: Option<Result<RetryPolicy, RetryPolicyError>>,
    pub(crate) stops: StopConditions,
    pub(crate) evaluation: Option<Evaluation>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) checkpoint: Option<bool>,
    pub(crate) version: Option<u32>,
}

/// Which ends of a step stop the run (tutorial, "Stopping Conditions").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StopConditions {
    pub(crate) on_success: bool,
    pub(crate) on_error: bool,
    pub(crate) on_exception: bool,
}

impl EventSettings {
    /// Runs the event on executors of type `E`.
    pub fn executor<E: Executor>(mut self) -> Self {
        self.executor = Some(ExecutorKind::of::<E>());
        self
    }

    /// Runs the event on executors of this type.
    #[doc(hidden)]
    pub fn executor_kind(mut self, kind: ExecutorKind) -> Self {
        self.executor = Some(kind);
        self
    }

    /// Sets the executor up. Events with the same executor and the same set-up share it.
    pub fn executor_config(mut self, config: ExecutorInitializerConfig) -> Self {
        self.config = config;
        self
    }

    /// Retries the event when it breaks. A policy that makes no sense is reported when a flow
    /// that has the event is planned.
    pub fn retry_policy(mut self, policy: impl IntoRetryPolicy) -> Self {
        self.retry = Some(policy.into_retry_policy());
        self
    }

    /// Stops the run when the event succeeds.
    pub fn stop_on_success(mut self, stop: bool) -> Self {
        self.stops.on_success = stop;
        self
    }

    /// Stops the run when the event fails, or is left with an exception after its retries.
    pub fn stop_on_error(mut self, stop: bool) -> Self {
        self.stops.on_error = stop;
        self
    }

    /// Stops the run when the event is left with an exception after its retries.
    pub fn stop_on_exception(mut self, stop: bool) -> Self {
        self.stops.on_exception = stop;
        self
    }

    /// Gives up an attempt that takes longer: it is then an exception, which a retry policy may
    /// retry. Zero is reported when a flow that has the event is planned.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Says whether a durable run records how the event ended, as it does where this is not said. If
    /// not, the event runs again when the run is resumed: that suits what is cheap and does nothing to
    /// the world outside.
    pub fn checkpoint(mut self, record: bool) -> Self {
        self.checkpoint = Some(record);
        self
    }

    /// Says which version of the event this is: 1 where it is not said. A durable run that began with
    /// another version and still needs the event does not go on by itself. Zero is reported when a
    /// flow that has the event is planned.
    pub fn version(mut self, version: u32) -> Self {
        self.version = Some(version);
        self
    }

    /// Says when an `each` step of this event counts as a success.
    pub fn execution_evaluation_state(mut self, state: EventExecutionEvaluationState) -> Self {
        self.evaluation = Some(state);
        self
    }
}
