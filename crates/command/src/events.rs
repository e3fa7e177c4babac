//! `run --json=events`: what happens in a run, as lines of JSON.

use std::io::Write;
use std::time::{Duration, Instant};

use nexus_core::{
    Context, Ended, Exception, Failure, Observer, RunEnd, RunEvent, Signals, StepEvent,
};
use serde::Serialize;

/// Writes a line for each thing that happens.
pub(crate) struct Events {
    began: Instant,
}

/// Something that happened.
#[derive(Default, Serialize)]
#[serde(rename_all = "snake_case")]
struct Line<'a> {
    event: &'static str,
    /// Since the program began with the run.
    seconds: f64,
    run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

impl Line<'_> {
    fn of(event: &'static str, context: &Context) -> Self {
        Self {
            event,
            run: context.run_id().to_string(),
            step: Some(context.step_path()),
            item: context.item(),
            attempt: Some(context.attempt()),
            ..Self::default()
        }
    }
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now() }
    }

    fn say(&self, mut line: Line<'_>) {
        line.seconds = self.began.elapsed().as_secs_f64();
        let text = serde_json::to_string(&line).unwrap_or_default();
        // Nobody may be left to read it, which is no reason to end the run.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}

impl Observer for Events {
    fn signals(&self) -> Signals {
        Signals::OWN_TASKS.with(Signals::POOL_TASKS)
    }

    fn pipeline_execution_start(&self, run: &RunEvent<'_>) {
        let (id, pipeline, steps) = (run.run_id(), Some(run.pipeline()), Some(run.steps()));
        self.say(Line {
            event: "started",
            run: id.to_string(),
            pipeline,
            steps,
            ..Line::default()
        });
    }

    fn pipeline_execution_end(&self, run: &RunEvent<'_>, end: &RunEnd<'_>) {
        let status = if end.is_left() { "left" } else { end.status().name() };
        self.say(Line {
            event: "ended",
            run: run.run_id().to_string(),
            pipeline: Some(run.pipeline()),
            status: Some(status),
            reason: end.reason().filter(|_| !end.is_left()),
            ..Line::default()
        });
    }

    fn event_execution_start(&self, step: &StepEvent<'_>) {
        self.say(Line::of("attempt_started", step.context()));
    }

    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        let (status, reason) = match ended {
            Ended::Success => ("success", None),
            Ended::Failure(failure) => ("failure", Some(failure.to_string())),
            Ended::Exception(exception) => ("exception", Some(exception.to_string())),
            _ => ("pending", None),
        };
        let line = Line::of("attempt_ended", step.context());
        self.say(Line { status: Some(status), reason, ..line });
    }

    fn event_execution_progress(&self, step: &StepEvent<'_>, done: u64, total: u64) {
        let line = Line::of("progress", step.context());
        self.say(Line { done: Some(done), total: Some(total), ..line });
    }

    fn event_execution_retry(&self, step: &StepEvent<'_>, exception: &Exception, wait: Duration) {
        let line = Line::of("retry", step.context());
        let (wait_seconds, reason) = (Some(wait.as_secs_f64()), Some(exception.to_string()));
        self.say(Line { reason, wait_seconds, ..line });
    }

    fn event_execution_bypassed(&self, step: &StepEvent<'_>, reason: &str) {
        let line = Line::of("bypassed", step.context());
        self.say(Line { reason: Some(reason.to_owned()), ..line });
    }

    fn event_execution_cancelled(&self, step: &StepEvent<'_>, reason: &Failure) {
        let line = Line::of("cancelled", step.context());
        self.say(Line { reason: Some(reason.to_string()), ..line });
    }
}
