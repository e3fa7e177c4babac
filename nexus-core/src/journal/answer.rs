//! What somebody outside says of a task that is pending.

use crate::outcome::{Exception, TaskOutcome};
use crate::plan::Plan;
use crate::wire::from_json;

/// How a task that is pending is to end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer<'a> {
    /// It yields this value, written as JSON.
    Value(&'a str),
    /// What it waits for has failed: an exception of its event.
    Failure(&'a str),
}

impl Answer<'_> {
    /// The outcome for a task of this step.
    ///
    /// # Errors
    ///
    /// If the value is none that the step's event yields.
    pub(crate) fn outcome(&self, plan: &Plan, step: u32) -> Result<TaskOutcome, String> {
        let json = match *self {
            Self::Value(json) => json,
            Self::Failure(message) => return Ok(Exception::new(message.to_owned()).into()),
        };
        let def = &plan.event_of(step).def;
        let codec = def.output_part.by.codec().copied().ok_or_else(|| {
            format!("the value of `{}` cannot be read: {}", def.name, def.output_part.cure())
        })?;
        from_json(codec, json).map(TaskOutcome::Success).map_err(|error| {
            format!(
                "that is no value of `{}`, which yields `{}`: {error}",
                def.name,
                def.output_text()
            )
        })
    }
}
