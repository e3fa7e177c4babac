//! One run.

use axum::extract::{Path, State};
use nexus_core::StepAddress;
use nexus_core::journal::{ActionTaken, AttemptEnd, HaltCause, History, Timestamp};
use serde::Serialize;

use super::hints::{Facts, Hint, of_run};
use super::{Answer, Shared, json};
use crate::activity::Activity;
use crate::app::App;
use crate::clock::now;
use crate::error::ApiError;
use crate::listed::ListedRun;
use crate::live_pools::{Abandoned, Queued};

/// So much of an input or a value is shown, in bytes.
const MOST_SHOWN: usize = 16 * 1024;
/// So many pending steps are listed, and so many tasks that run.
const MOST_LISTED: usize = 200;
/// So many actions stand above a run; the page of all actions has the others.
const MOST_ACTIONS: usize = 20;

/// A run, without its steps: those are asked for in pages.
#[derive(Debug, Serialize)]
pub(super) struct ShownRun {
    #[serde(flatten)]
    run: ListedRun,
    flow: Text,
    inputs: Text,
    halted: Option<Halted>,
    /// Where somebody decided that it goes on, or begins again.
    revisions: Vec<Revision>,
    /// What people have done to it, the last first.
    actions: Vec<ActionTaken>,
    /// How many steps its flow has.
    steps: usize,
    /// What runs now, and what waits for its next attempt.
    activity: Vec<Activity>,
    /// What waits for a worker.
    queued: Vec<Queued>,
    /// What runs though nobody waits for it any more.
    abandoned: Vec<Abandoned>,
    /// What waits for the world outside.
    pending: Vec<Pending>,
    hints: Vec<Hint>,
    now: Timestamp,
}

/// A text that may be too long to be shown.
#[derive(Debug, Serialize)]
pub(super) struct Text {
    /// Its beginning.
    text: String,
    /// How long all of it is.
    bytes: usize,
}

#[derive(Debug, Serialize)]
struct Halted {
    at: Timestamp,
    by: &'static str,
}

#[derive(Debug, Serialize)]
struct Revision {
    at: Timestamp,
    kind: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Pending {
    /// The step's place in the flow.
    index: usize,
    /// What an action is given as `step`.
    step: String,
    event: String,
    attempt: u32,
    since: Timestamp,
    /// The type of the value that it waits for.
    output: String,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let shown = text.floor_char_boundary(MOST_SHOWN);
        Self { text: text[..shown].to_owned(), bytes: text.len() }
    }
}

/// `GET /runs/{key}`.
pub(super) async fn show(State(app): Shared, Path(key): Path<String>) -> Answer {
    json(&app, move |app| {
        let history = app.history(&key)?;
        ShownRun::new(app, &history)
    })
    .await
}

impl ShownRun {
    fn new(app: &App, history: &History) -> Result<Self, ApiError> {
        let run = &history.run;
        let (key, pools) = (&run.start.key, &app.live.pools);
        let activity = app.live.activity(&app.engine, key, history, MOST_LISTED);
        let pending = pending(history);
        let (mut queued, mut abandoned) =
            (pools.queued(key, history), pools.abandoned(key, history));
        let hints = of_run(Facts {
            history,
            is_observed: app.live.is_observed(),
            activity: &activity,
            queued: &queued,
            abandoned: &abandoned,
            now: now(),
        });
        queued.truncate(MOST_LISTED);
        abandoned.truncate(MOST_LISTED);
        let revision =
            |it: &nexus_core::journal::Revision| Revision { at: it.at, kind: it.kind.name() };
        Ok(Self {
            run: ListedRun::new(&app.live, run),
            flow: Text::new(&run.flow().script),
            inputs: Text::new(&run.start.inputs),
            halted: history.halted.map(|(at, by)| Halted { at, by: cause(by) }),
            revisions: run.revisions.iter().map(revision).collect(),
            actions: app.engine.actions(Some(&**key), MOST_ACTIONS)?,
            steps: history.steps.len(),
            activity,
            queued,
            abandoned,
            pending,
            hints,
            now: now(),
        })
    }
}

fn cause(by: HaltCause) -> &'static str {
    match by {
        HaltCause::Parent => "parent",
        HaltCause::Timeout => "timeout",
        _ => "request",
    }
}

fn pending(history: &History) -> Vec<Pending> {
    if history.run.ended_at.is_some() {
        return Vec::new();
    }
    let steps = history.steps.iter().zip(&history.run.flow().steps).enumerate();
    let attempts = steps.flat_map(|(index, (step, of_flow))| {
        let open = step.attempts.iter().filter(|it| it.ended == AttemptEnd::Pending);
        open.map(move |attempt| Pending {
            index,
            step: StepAddress::new(&step.path, attempt.item).to_string(),
            event: step.event.clone(),
            attempt: attempt.attempt,
            since: attempt.span.to,
            output: of_flow.output.clone(),
        })
    });
    attempts.take(MOST_LISTED).collect()
}
