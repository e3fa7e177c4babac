//! The observer that makes spans.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nexus_core::{
    Context, Ended, Exception, Failure, Observer, RunEnd, RunEvent, RunId, StepAddress, StepEvent,
    StopCondition,
};
use tracing::span::EnteredSpan;
use tracing::{Span, field};

use crate::results;

/// Makes a span for each run and each attempt; see the [crate](crate).
///
/// It goes to the engine with `EngineBuilder::observer`.
#[derive(Default)]
pub struct Spans {
    open: Mutex<Open>,
}

/// The spans that have not ended.
#[derive(Default)]
struct Open {
    runs: HashMap<RunId, Span>,
    attempts: HashMap<Attempt, Span>,
}

/// An attempt: the run, the step and item, and which one it is.
type Attempt = (RunId, StepAddress, u32);

thread_local! {
    /// The spans that bodies on this thread have entered. One may run inside another.
    static ENTERED: RefCell<Vec<EnteredSpan>> = const { RefCell::new(Vec::new()) };
}

fn attempt_of(context: &Context) -> Attempt {
    (context.run_id(), context.step_address(), context.attempt())
}

impl Spans {
    /// One without spans yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The span of the run that an attempt belongs to.
    fn run_span(&self, run: RunId) -> Span {
        self.open().runs.get(&run).cloned().unwrap_or_else(Span::none)
    }
}

impl Observer for Spans {
    fn pipeline_execution_start(&self, run: &RunEvent<'_>) {
        let span = tracing::info_span!(
            target: "nexus",
            "run",
            otel.name = run.pipeline(),
            otel.status_code = field::Empty,
            cicd.pipeline.name = run.pipeline(),
            cicd.pipeline.run.id = %run.run_id(),
            cicd.pipeline.result = field::Empty,
            nexus.run.key = field::Empty,
        );
        #[cfg(feature = "durable")]
        if let Some(key) = run.key() {
            span.record("nexus.run.key", key);
        }
        self.open().runs.insert(run.run_id(), span);
    }

    fn pipeline_execution_stop(
        &self,
        run: &RunEvent<'_>,
        step: &StepEvent<'_>,
        condition: StopCondition,
    ) {
        let span = self.run_span(run.run_id());
        let condition = format!("{condition:?}");
        tracing::info!(target: "nexus", parent: &span, { nexus.step = step.context().step_path(), condition }, "stopped");
    }

    fn pipeline_execution_end(&self, run: &RunEvent<'_>, end: &RunEnd<'_>) {
        let mut open = self.open();
        let span = open.runs.remove(&run.run_id());
        // Those of attempts that nobody waited for: they end with their run.
        let id = run.run_id();
        let late: Vec<Span> = open.attempts.extract_if(|of, _| of.0 == id).map(|it| it.1).collect();
        drop(open);
        for span in late {
            span.record("cicd.pipeline.task.run.result", "cancellation");
        }
        let Some(span) = span else { return };
        if end.is_left() {
            // It is not over; another span goes on with it.
            span.record("cicd.pipeline.result", "left");
            return;
        }
        span.record("cicd.pipeline.result", results::of_run(end.status()));
        let is_success = end.reason().is_none();
        span.record("otel.status_code", if is_success { "OK" } else { "ERROR" });
    }

    fn event_execution_start(&self, step: &StepEvent<'_>) {
        let context = step.context();
        let run = self.run_span(context.run_id());
        let address = context.step_address();
        let span = tracing::info_span!(
            target: "nexus",
            parent: &run,
            "attempt",
            otel.name = step.event(),
            otel.status_code = field::Empty,
            cicd.pipeline.task.name = step.event(),
            cicd.pipeline.task.run.id = format!("{address}#{}", context.attempt()),
            cicd.pipeline.task.run.result = field::Empty,
            error.type = field::Empty,
            nexus.step = context.step_path(),
            nexus.attempt = context.attempt(),
            nexus.item = context.item(),
        );
        self.open().attempts.insert(attempt_of(context), span);
    }

    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        let span = self.open().attempts.remove(&attempt_of(step.context()));
        let Some(span) = span else { return };
        span.record("cicd.pipeline.task.run.result", results::of_attempt(ended));
        if let Some(kind) = results::error_type(ended) {
            span.record("error.type", kind);
            span.record("otel.status_code", "ERROR");
        }
    }

    fn event_body_enter(&self, step: &StepEvent<'_>) {
        let span = self.open().attempts.get(&attempt_of(step.context())).cloned();
        let entered = span.unwrap_or_else(Span::none).entered();
        ENTERED.with_borrow_mut(|spans| spans.push(entered));
    }

    fn event_body_leave(&self, _: &StepEvent<'_>) {
        // A subscriber is told of it, so not while the list is borrowed.
        let left = ENTERED.with_borrow_mut(Vec::pop);
        drop(left);
    }

    fn event_execution_retry(&self, step: &StepEvent<'_>, exception: &Exception, wait: Duration) {
        let span = self.run_span(step.context().run_id());
        tracing::warn!(
            target: "nexus",
            parent: &span,
            {
                nexus.step = step.context().step_path(),
                nexus.attempt = step.context().attempt(),
                nexus.wait_seconds = wait.as_secs_f64(),
                error.type = results::error_type(Ended::Exception(exception)),
            },
            "retry"
        );
    }

    fn event_execution_bypassed(&self, step: &StepEvent<'_>, _: &str) {
        let span = self.run_span(step.context().run_id());
        tracing::info!(target: "nexus", parent: &span, { nexus.step = step.context().step_path() }, "bypassed");
    }

    fn event_execution_cancelled(&self, step: &StepEvent<'_>, _: &Failure) {
        let span = self.run_span(step.context().run_id());
        tracing::info!(target: "nexus", parent: &span, { nexus.step = step.context().step_path() }, "cancelled");
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.open();
        f.debug_struct("Spans")
            .field("runs", &open.runs.len())
            .field("attempts", &open.attempts.len())
            .finish()
    }
}
