//! A report for people (`Display`) and for programs (`Serialize`).

use std::fmt;

use nexus_pointy::visible;
use serde::ser::{Serialize, SerializeSeq, SerializeStruct, Serializer};

use super::{Report, Status, StepOutcome, StepReport};

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed out",
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = |step: &StepReport<'_>| visible(step.path()).on_one_line().to_string();
        let name = visible(self.pipeline()).on_one_line();
        write!(f, "{name} {} in {:.1?}", self.status(), self.elapsed())?;
        if let Some((step, condition)) = self.stopped_by() {
            write!(f, " by `{}` of `{}`", condition.name(), path(&step))?;
        }
        let width = self.steps().take(200).map(|step| path(&step).chars().count()).max();
        let width = width.unwrap_or(0);
        for step in self.steps() {
            // The further lines of a sentence stand below its first.
            let sentence = visible(step.sentence()).indented(width + 6);
            write!(f, "\n  {} {:width$}  {sentence}", mark(&step), path(&step))?;
            if step.attempts() > 1 && !matches!(step.outcome(), StepOutcome::Each { .. }) {
                write!(f, "; {} attempts", step.attempts())?;
            }
            if !step.waits().is_empty() {
                let total: std::time::Duration = step.waits().iter().sum();
                write!(f, ", waited {total:?}")?;
            }
            if !step.duration().is_zero() {
                write!(f, "  [{:.1?}]", step.duration())?;
            }
        }
        Ok(())
    }
}

/// One letter for how a step ended, which needs no colour and no font.
fn mark(step: &StepReport<'_>) -> char {
    match step.outcome() {
        StepOutcome::NotRun(_) => '-',
        StepOutcome::Bypassed { .. } => '~',
        StepOutcome::Exception(_) => '!',
        _ if step.is_success() => '+',
        _ => 'x',
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Report", 6)?;
        out.serialize_field("run", &self.run_id())?;
        out.serialize_field("pipeline", self.pipeline())?;
        out.serialize_field("status", &self.status())?;
        out.serialize_field("elapsed_seconds", &self.elapsed().as_secs_f64())?;
        let ended_by =
            self.stopped_by().map(|(step, condition)| (step.path(), condition.name().to_owned()));
        let ended_by = ended_by.or_else(|| {
            self.broken_at().map(|(step, exception)| (step.path(), exception.to_string()))
        });
        out.serialize_field("ended_by", &ended_by)?;
        out.serialize_field("steps", &Steps(self))?;
        out.end()
    }
}

struct Steps<'a>(&'a Report);

impl Serialize for Steps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let steps = self.0.steps();
        let mut out = serializer.serialize_seq(Some(steps.len()))?;
        for step in steps {
            out.serialize_element(&step)?;
        }
        out.end()
    }
}

impl Serialize for StepReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Step", 10)?;
        let outcome = self.outcome();
        out.serialize_field("path", &self.path())?;
        out.serialize_field("event", self.event())?;
        out.serialize_field("outcome", name(&outcome))?;
        out.serialize_field("success", &self.is_success())?;
        out.serialize_field("attempts", &self.attempts())?;
        let waits: Vec<f64> = self.waits().iter().map(std::time::Duration::as_secs_f64).collect();
        out.serialize_field("wait_seconds", &waits)?;
        out.serialize_field("seconds", &self.duration().as_secs_f64())?;
        let reason = match &outcome {
            StepOutcome::Success => None,
            _ => Some(self.sentence()),
        };
        out.serialize_field("reason", &reason)?;
        out.serialize_field("errors", &self.error_chain())?;
        let value = self.json().transpose().map_err(serde::ser::Error::custom)?;
        out.serialize_field("value", &value)?;
        out.end()
    }
}

fn name(outcome: &StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Success => "success",
        StepOutcome::Failure(_) => "failure",
        StepOutcome::Exception(_) => "exception",
        StepOutcome::Goto { .. } => "goto",
        StepOutcome::Bypassed { .. } => "bypassed",
        StepOutcome::Each { .. } => "each",
        StepOutcome::NotRun(_) => "not_run",
    }
}
