//! What is said of a step in a line.

use std::fmt::Write;
use std::time::Duration;

use nexus_core::journal::{
    AttemptEnd, AttemptHistory, History, RunState, Span, StepHistory, StoredRun,
};
use nexus_picture::StepOutcome;

use crate::table::Color;
use crate::time;

/// How a step ended, to be shown.
pub(crate) struct Look {
    pub(crate) outcome: StepOutcome,
    pub(crate) sentence: String,
}

impl Look {
    pub(crate) fn of(step: &StepHistory, run: &StoredRun) -> Self {
        let look = |outcome, sentence: String| Self { outcome, sentence };
        if let Some(items) = step.items {
            let outcome =
                if items.failed == 0 { StepOutcome::Success } else { StepOutcome::Failure };
            let mut sentence = format!("{} items", count(step));
            if items.failed > 0 {
                let _ = write!(sentence, ", {} of them without success", items.failed);
            }
            if items.bypassed > 0 {
                let _ = write!(sentence, ", {} bypassed", items.bypassed);
            }
            return look(outcome, sentence);
        }
        let Some(last) = step.last() else {
            let is_over = matches!(run.state, RunState::Ended(_));
            let sentence = if is_over { "not run" } else { "nothing is recorded yet" };
            return look(StepOutcome::NotRun, sentence.to_owned());
        };
        match &last.ended {
            AttemptEnd::Success => look(StepOutcome::Success, "success".to_owned()),
            AttemptEnd::Failure(errors) => look(StepOutcome::Failure, errors.join(": ")),
            AttemptEnd::Exception(errors) => look(StepOutcome::Exception, errors.join(": ")),
            AttemptEnd::Goto { branch, reason, .. } => {
                look(StepOutcome::Goto, format!("went to `{branch}` ({reason})"))
            }
            AttemptEnd::Bypassed(reason) => {
                look(StepOutcome::Bypassed, format!("bypassed ({reason})"))
            }
            AttemptEnd::Pending => {
                look(StepOutcome::NotRun, "waits for the world outside".to_owned())
            }
            AttemptEnd::TimedOut => {
                look(StepOutcome::Exception, "took longer than its timeout".to_owned())
            }
            _ => look(StepOutcome::NotRun, "ended in a way that this program does not know".into()),
        }
    }

    pub(crate) fn color(&self) -> Color {
        match self.outcome {
            StepOutcome::Success => Color::Green,
            StepOutcome::Failure | StepOutcome::Exception => Color::Red,
            StepOutcome::Goto | StepOutcome::Bypassed => Color::Yellow,
            StepOutcome::NotRun => Color::Grey,
        }
    }

    /// What stands behind the step's bar.
    pub(crate) fn line(&self, step: &StepHistory) -> String {
        let mut line = self.sentence.clone();
        if step.ended_attempts > count(step).max(1) {
            let _ = write!(line, "; {} attempts", step.ended_attempts);
        }
        let sum = |spans: &[Span]| spans.iter().map(Span::duration).sum::<Duration>();
        let (waited, ran) = (sum(&step.waits), sum(&step.running));
        if !waited.is_zero() {
            let _ = write!(line, ", waited {}", time::short(waited));
        }
        if !ran.is_zero() {
            let _ = write!(line, "  [{}]", time::short(ran));
        }
        line
    }
}

/// How many items have ended; one where the step has none.
fn count(step: &StepHistory) -> u64 {
    step.items.map_or(1, |items| items.succeeded + items.failed + items.bypassed)
}

/// The attempts that wait for the world outside, with their steps.
pub(crate) fn pending_attempts(
    history: &History,
) -> impl Iterator<Item = (&StepHistory, &AttemptHistory)> {
    let steps = history.steps.iter();
    let attempts = steps.flat_map(|step| step.attempts.iter().map(move |attempt| (step, attempt)));
    attempts.filter(|(_, attempt)| attempt.ended == AttemptEnd::Pending)
}
