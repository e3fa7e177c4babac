//! A run as a picture.

use std::time::Duration;

use nexus_core::journal::{AttemptEnd, History, Span, StepHistory};
use nexus_picture::{Picture, StepLook, StepOutcome};

/// The flow with what became of each step, as SVG for the page. None if the store has another language
/// than this program.
pub(crate) fn svg(history: &History) -> Option<String> {
    let flow = nexus_pointy::parse(&history.run.flow().script).into_result().ok()?;
    Some(Picture::of(&flow).with_steps(history.steps.iter().map(look)).svg_part())
}

fn look(step: &StepHistory) -> StepLook {
    let ran: Duration = step.running.iter().map(Span::duration).sum();
    if let Some(items) = step.items {
        let outcome = if items.failed == 0 { StepOutcome::Success } else { StepOutcome::Failure };
        let total = items.succeeded + items.failed + items.bypassed;
        let failed = match items.failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        return StepLook::new(outcome).took(ran).note(format!("{total} items{failed}"));
    }
    let attempts = u32::try_from(step.ended_attempts).unwrap_or(u32::MAX);
    let look = |outcome| StepLook::new(outcome).took(ran).attempts(attempts);
    let Some(last) = step.last() else { return StepLook::new(StepOutcome::NotRun) };
    match &last.ended {
        AttemptEnd::Success => look(StepOutcome::Success),
        AttemptEnd::Failure(errors) => look(StepOutcome::Failure).note(errors.join(": ")),
        AttemptEnd::Exception(errors) => look(StepOutcome::Exception).note(errors.join(": ")),
        AttemptEnd::Goto { branch, reason, .. } => {
            look(StepOutcome::Goto).note(format!("went to `{branch}` ({reason})"))
        }
        AttemptEnd::Bypassed(reason) => look(StepOutcome::Bypassed).note(reason),
        AttemptEnd::Pending => {
            StepLook::new(StepOutcome::NotRun).note("waits for the world outside")
        }
        AttemptEnd::TimedOut => look(StepOutcome::Exception).note("took longer than its timeout"),
        _ => look(StepOutcome::NotRun),
    }
}
