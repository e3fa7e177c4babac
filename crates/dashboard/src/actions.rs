//! What people have the engine do to runs.

use std::sync::Arc;

use nexus_core::journal::{ActionTaken, RunState};
use nexus_core::{Engine, Error};
use serde::Deserialize;

pub(crate) type OnAction = Arc<dyn Fn(&ActionTaken) + Send + Sync>;

/// The body of an action.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) action: Action,
    /// The run's key, once more.
    pub(crate) confirm: String,
    /// Who does it, where no token says so.
    #[serde(default)]
    pub(crate) by: Option<String>,
    /// The step to begin from, or to resolve.
    #[serde(default)]
    pub(crate) step: Option<String>,
    /// The value that a step yields.
    #[serde(default)]
    pub(crate) value: Option<Box<serde_json::value::RawValue>>,
    /// Why what a step waited for has failed.
    #[serde(default)]
    pub(crate) message: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    Cancel,
    Retry,
    Resolve,
    Fail,
    Adopt,
    Restart,
    Abandon,
}

impl Action {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Resolve => "resolve",
            Self::Fail => "fail",
            Self::Adopt => "adopt",
            Self::Restart => "restart",
            Self::Abandon => "abandon",
        }
    }
}

impl Request {
    /// Does it.
    pub(crate) fn perform(&self, engine: &Engine, key: &str) -> Result<(), Error> {
        let lacks = |what: &str| {
            let action = self.action.name();
            Error::Durable(format!("to {action} the run `{key}`, `{what}` is needed"))
        };
        let step = || self.step.as_deref().ok_or_else(|| lacks("step"));
        match self.action {
            Action::Cancel => cancel(engine, key),
            Action::Retry => match &self.step {
                None => engine.retry(key).map(drop),
                Some(step) => engine.retry_from(key, step).map(drop),
            },
            Action::Resolve => {
                let value = self.value.as_ref().ok_or_else(|| lacks("value"))?;
                engine.resolve_json(key, step()?, value.get())
            }
            Action::Fail => {
                let message = self.message.as_deref().ok_or_else(|| lacks("message"))?;
                engine.fail(key, step()?, message)
            }
            Action::Adopt => engine.adopt(key).map(drop),
            Action::Restart => engine.restart(key).map(drop),
            Action::Abandon => engine.abandon(key),
        }
    }
}

/// Cancels a run that is not over.
fn cancel(engine: &Engine, key: &str) -> Result<(), Error> {
    let Some(run) = engine.stored_run(key)? else {
        return Err(Error::Durable(format!("the store has no run `{key}`")));
    };
    if let RunState::Ended(status) = run.state {
        let status = status.name();
        return Err(Error::Durable(format!(
            "the run `{key}` is over ({status}); there is nothing to cancel"
        )));
    }
    engine.cancel(key).map(drop)
}
