//! Runs as programs read them.

use nexus_core::journal::{
    ActionTaken, AttemptHistory, HaltCause, History, Span, StepHistory, StoredRun, Timestamp,
};
use nexus_core::{StepAddress, TaskState, UnfinishedTask};
use serde::Serialize;
use serde_json::value::RawValue;

use super::look::pending_attempts;
use crate::time::rfc_3339;

/// A run in a list.
#[derive(Serialize)]
pub(crate) struct ListedRun<'a> {
    key: &'a str,
    pipeline: &'a str,
    status: &'static str,
    started: String,
    ended: Option<String>,
    /// How long it took; of a run that is not over, nothing.
    seconds: Option<f64>,
    deadline: Option<String>,
    parent: Option<&'a str>,
    records: u64,
    reason: Option<&'a str>,
}

impl<'a> ListedRun<'a> {
    pub(crate) fn new(run: &'a StoredRun) -> Self {
        let start = &run.start;
        Self {
            key: &start.key,
            pipeline: &start.pipeline,
            status: run.state.name(),
            started: rfc_3339(start.at),
            ended: run.ended_at.map(rfc_3339),
            seconds: run.ended_at.map(|ended| ended.since(start.at).as_secs_f64()),
            deadline: start.deadline.map(rfc_3339),
            parent: start.parent.as_deref(),
            records: run.records,
            reason: run.reason.as_deref(),
        }
    }
}

/// All that is recorded of a run.
#[derive(Serialize)]
pub(crate) struct ShownRun<'a> {
    #[serde(flatten)]
    run: ListedRun<'a>,
    flow: &'a str,
    /// An object with the pipeline's fields.
    inputs: Option<&'a RawValue>,
    halted: Option<Halted>,
    steps: Vec<Step<'a>>,
    /// The steps that wait for the world outside.
    pending: Vec<Pending<'a>>,
    /// The tasks that have not ended; none where this program has not the run's flow.
    under_way: Option<Vec<UnderWay>>,
    /// What people have done to it, the last first.
    actions: Vec<Taken<'a>>,
}

#[derive(Serialize)]
struct Taken<'a> {
    at: String,
    by: &'a str,
    action: &'a str,
    step: Option<&'a str>,
    /// Why it could not be done.
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct UnderWay {
    step: String,
    attempt: u32,
    state: &'static str,
    since: String,
    /// When a wait ends.
    until: Option<String>,
}

#[derive(Serialize)]
struct Pending<'a> {
    /// What `runs resolve` is given.
    step: String,
    event: &'a str,
    attempt: u32,
    since: String,
}

#[derive(Serialize)]
struct Halted {
    at: String,
    by: &'static str,
}

#[derive(Serialize)]
struct Step<'a> {
    path: &'a str,
    event: &'a str,
    version: u32,
    ended_attempts: u64,
    attempts: Vec<Attempt<'a>>,
    items: Option<Items>,
    waits: Vec<Stretch>,
    value: Option<&'a serde_json::Value>,
}

#[derive(Serialize)]
struct Items {
    succeeded: u64,
    failed: u64,
    bypassed: u64,
}

#[derive(Serialize)]
struct Attempt<'a> {
    #[serde(rename = "attempt")]
    number: u32,
    item: Option<u64>,
    outcome: &'static str,
    #[serde(flatten)]
    span: Stretch,
    errors: &'a [String],
}

#[derive(Serialize)]
struct Stretch {
    from: String,
    to: String,
    seconds: f64,
}

impl<'a> ShownRun<'a> {
    pub(crate) fn new(
        history: &'a History,
        unfinished: Option<&[UnfinishedTask]>,
        actions: &'a [ActionTaken],
    ) -> Self {
        let start = &history.run.start;
        Self {
            run: ListedRun::new(&history.run),
            flow: &start.flow.script,
            inputs: serde_json::from_str(&start.inputs).ok(),
            halted: history.halted.map(halted),
            steps: history.steps.iter().map(step).collect(),
            pending: pending_attempts(history)
                .map(|(step, attempt)| pending(step, attempt))
                .collect(),
            under_way: unfinished.map(|tasks| tasks.iter().map(under_way).collect()),
            actions: actions.iter().map(action).collect(),
        }
    }
}

fn action(action: &ActionTaken) -> Taken<'_> {
    Taken {
        at: rfc_3339(action.at),
        by: &action.by,
        action: &action.action,
        step: action.step.as_deref(),
        error: action.error.as_deref(),
    }
}

fn under_way(task: &UnfinishedTask) -> UnderWay {
    let (state, until) = match task.state {
        TaskState::Retrying { until } => ("retrying", Some(until)),
        TaskState::Pending { until } => ("pending", until),
        _ => ("started", None),
    };
    let (step, since) = (task.step.to_string(), rfc_3339(task.since));
    UnderWay { step, attempt: task.attempt, state, since, until: until.map(rfc_3339) }
}

fn pending<'a>(step: &'a StepHistory, attempt: &AttemptHistory) -> Pending<'a> {
    Pending {
        step: StepAddress::new(&step.path, attempt.item).to_string(),
        event: &step.event,
        attempt: attempt.attempt,
        since: rfc_3339(attempt.span.to),
    }
}

fn halted((at, by): (Timestamp, HaltCause)) -> Halted {
    let by = match by {
        HaltCause::Parent => "parent",
        HaltCause::Timeout => "timeout",
        _ => "request",
    };
    Halted { at: rfc_3339(at), by }
}

fn step(step: &StepHistory) -> Step<'_> {
    let items = step.items.map(|items| Items {
        succeeded: items.succeeded,
        failed: items.failed,
        bypassed: items.bypassed,
    });
    Step {
        path: &step.path,
        event: &step.event,
        version: step.version,
        ended_attempts: step.ended_attempts,
        attempts: step.attempts.iter().map(attempt).collect(),
        items,
        waits: step.waits.iter().map(stretch).collect(),
        value: step.value.as_ref(),
    }
}

fn attempt(attempt: &AttemptHistory) -> Attempt<'_> {
    Attempt {
        number: attempt.attempt,
        item: attempt.item,
        outcome: attempt.ended.name(),
        span: stretch(&attempt.span),
        errors: attempt.ended.errors(),
    }
}

fn stretch(span: &Span) -> Stretch {
    Stretch {
        from: rfc_3339(span.from),
        to: rfc_3339(span.to),
        seconds: span.duration().as_secs_f64(),
    }
}
