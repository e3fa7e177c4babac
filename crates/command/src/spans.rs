//! When the steps of a run ran and waited, for the page that `--report` writes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nexus_core::{
    Ended, Exception, Observer, PictureOutcome, Report, RunId, RunPage, Signals, StepEvent,
    StepSpan,
};

/// So many stretches are kept of a step: a page shows no more of them.
const MOST: usize = 2000;

/// Notes when attempts begin and end.
#[derive(Clone)]
pub(crate) struct Spans {
    began: Instant,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    running: HashMap<(RunId, String, Option<u64>), Duration>,
    done: HashMap<(RunId, String), Vec<StepSpan>>,
}

impl Spans {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), state: Arc::default() }
    }

    /// The page of a run that is over, with what was noted of it.
    pub(crate) fn page(&self, report: &Report) -> RunPage {
        let mut page = report.page();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for step in page.steps_mut() {
            let spans = state.done.remove(&(report.run_id(), step.path().to_owned()));
            spans.into_iter().flatten().for_each(|span| step.span(span));
        }
        page
    }

    fn note(&self, step: &StepEvent<'_>, change: impl FnOnce(&mut State, RunId, String, Duration)) {
        let (run, path, now) =
            (step.context().run_id(), step.context().step_path(), self.began.elapsed());
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), run, path, now);
    }
}

/// What is shown where one points at a stretch: `attempt 2 of item 7`.
fn label(step: &StepEvent<'_>) -> String {
    let attempt = step.context().attempt();
    match step.context().item() {
        None => format!("attempt {attempt}"),
        Some(item) => format!("item {item}, attempt {attempt}"),
    }
}

fn keep(state: &mut State, run: RunId, path: String, span: StepSpan) {
    let spans = state.done.entry((run, path)).or_default();
    if spans.len() < MOST {
        spans.push(span);
    }
}

impl Observer for Spans {
    fn signals(&self) -> Signals {
        Signals::OWN_TASKS.with(Signals::POOL_TASKS)
    }

    fn event_execution_start(&self, step: &StepEvent<'_>) {
        let item = step.context().item();
        self.note(step, |state, run, path, now| _ = state.running.insert((run, path, item), now));
    }

    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        let outcome = match ended {
            Ended::Success => PictureOutcome::Success,
            Ended::Failure(_) => PictureOutcome::Failure,
            Ended::Exception(_) => PictureOutcome::Exception,
            _ => PictureOutcome::NotRun,
        };
        let item = step.context().item();
        self.note(step, |state, run, path, to| {
            let key = (run, path, item);
            let from = state.running.remove(&key).unwrap_or(to);
            let span = StepSpan { from, to, ended: Some(outcome), label: label(step) };
            keep(state, run, key.1, span);
        });
    }

    fn event_execution_retry(&self, step: &StepEvent<'_>, _: &Exception, wait: Duration) {
        if !wait.is_zero() {
            self.note(step, |state, run, path, from| {
                let label = format!("waited after {}", label(step));
                keep(state, run, path, StepSpan { from, to: from + wait, ended: None, label });
            });
        }
    }
}
