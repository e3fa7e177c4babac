//! A run as a picture.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use nexus_core::journal::{AttemptEnd, History, Span, StepHistory};
use nexus_picture::{Picture, StepLook, StepOutcome};

use crate::lock;

/// The pictures of so many flows are kept.
const KEPT: usize = 8;
/// Those of flows with longer scripts, in bytes, are made anew each time: what is kept is to stay small.
const LONGEST: usize = 256 * 1024;

/// Pictures of the flows that were drawn last, by their scripts, without what became of their steps: a run
/// that goes on is drawn again and again.
#[derive(Debug, Default)]
pub(crate) struct Pictures(Mutex<VecDeque<(String, Picture)>>);

impl Pictures {
    /// The flow with what became of each step, as SVG for the page. None if the store has another language
    /// than this program.
    pub(crate) fn svg(&self, history: &History) -> Option<String> {
        let picture = self.of_flow(&history.run.flow().script)?;
        Some(picture.with_steps(history.steps.iter().map(look)).svg_part())
    }

    fn of_flow(&self, script: &str) -> Option<Picture> {
        if let Some((_, known)) = lock(&self.0).iter().find(|(of, _)| of == script) {
            return Some(known.clone());
        }
        let picture = Picture::of(&nexus_pointy::parse(script).into_result().ok()?);
        if script.len() <= LONGEST {
            let mut kept = lock(&self.0);
            kept.truncate(KEPT - 1);
            kept.push_front((script.to_owned(), picture.clone()));
        }
        Some(picture)
    }
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
