//! The steps of a run: in pages, and one with its attempts.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::http::Uri;
use nexus_core::journal::{AttemptEnd, AttemptHistory, History, Span, StepHistory, Timestamp};
use serde::{Deserialize, Serialize};

use super::run::Text;
use super::{Answer, Shared, json, parameters};
use crate::app::App;
use crate::error::ApiError;

const PAGE: usize = 500;
const LONGEST_PAGE: usize = 1000;
/// So many bars of a step stand on the timeline; what is finer than that cannot be seen.
const MOST_BARS: usize = 200;
const ATTEMPTS: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageOf {
    #[serde(default)]
    from: usize,
    limit: Option<usize>,
    /// What the path contains.
    #[serde(default)]
    text: String,
    only: Option<Only>,
}

/// Which steps are asked for, if not all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Only {
    /// Those that failed, or broke, with their last attempt.
    Failed,
    /// Those that run, or wait for something.
    Active,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttemptsOf {
    path: String,
    #[serde(default)]
    from: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Page {
    /// How many steps there are of those that are asked for.
    total: usize,
    from: usize,
    steps: Vec<Step>,
}

/// A step in a line.
#[derive(Debug, Serialize)]
struct Step {
    /// Its place in script order.
    index: usize,
    path: String,
    event: String,
    /// How its last attempt ended; `not_run` if none has.
    outcome: &'static str,
    attempts: u64,
    items: Option<Items>,
    /// Why it did not succeed, as far as a line goes.
    reason: Option<String>,
    /// When its attempts ran: the beginning, the end, and how each ended.
    bars: Vec<Bar>,
    waits: Vec<Stretch>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Items {
    succeeded: u64,
    failed: u64,
    bypassed: u64,
}

#[derive(Debug, Serialize)]
struct Bar(Timestamp, Timestamp, &'static str);

#[derive(Debug, Serialize)]
struct Stretch(Timestamp, Timestamp);

/// A step with all there is to know.
#[derive(Debug, Serialize)]
pub(super) struct OneStep {
    #[serde(flatten)]
    step: Step,
    version: u32,
    /// The type of what it yields.
    output: String,
    value: Option<Text>,
    /// Attempts from `from` on; of an `each` step, those that did not succeed.
    history: Vec<Attempt>,
    /// How many of them there are.
    kept: usize,
}

#[derive(Debug, Serialize)]
struct Attempt {
    #[serde(rename = "attempt")]
    number: u32,
    item: Option<u64>,
    from: Timestamp,
    to: Timestamp,
    outcome: &'static str,
    /// The error and its sources, outermost first; or the reason.
    errors: Vec<String>,
}

/// `GET /runs/{key}/steps`.
pub(super) async fn list(State(app): Shared, Path(key): Path<String>, uri: Uri) -> Answer {
    let of: PageOf = parameters(&uri)?;
    json(&app, move |app| {
        let history = app.history(&key)?;
        Ok::<_, ApiError>(Page::new(app, &history, &of))
    })
    .await
}

/// `GET /runs/{key}/step`.
pub(super) async fn one(State(app): Shared, Path(key): Path<String>, uri: Uri) -> Answer {
    let AttemptsOf { path, from } = parameters(&uri)?;
    json(&app, move |app| {
        let history = app.history(&key)?;
        let found = history.steps.iter().enumerate().find(|(_, step)| step.path == path);
        let Some((index, step)) = found else {
            let why = format!("the run `{key}` has no step `{path}`");
            return Err(ApiError::new(axum::http::StatusCode::NOT_FOUND, why));
        };
        Ok(OneStep::new(&history, index, step, from))
    })
    .await
}

impl Page {
    fn new(app: &App, history: &History, of: &PageOf) -> Self {
        let active = match of.only {
            Some(Only::Active) => app.live.active_steps(&app.engine, &history.run.start.key),
            _ => BTreeSet::new(),
        };
        let is_asked_for = |(index, step): &(usize, &StepHistory)| {
            step.path.contains(&of.text)
                && match of.only {
                    None => true,
                    Some(Only::Failed) => has_failed(step),
                    Some(Only::Active) => active.contains(index) || is_pending(history, step),
                }
        };
        let all = || history.steps.iter().enumerate().filter(is_asked_for);
        let limit = of.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
        let steps = all().skip(of.from).take(limit).map(|(index, step)| Step::new(index, step));
        Self { total: all().count(), from: of.from, steps: steps.collect() }
    }
}

impl Step {
    fn new(index: usize, step: &StepHistory) -> Self {
        let items = step.items.map(|items| Items {
            succeeded: items.succeeded,
            failed: items.failed,
            bypassed: items.bypassed,
        });
        let outcome = outcome(step);
        Self {
            index,
            path: step.path.clone(),
            event: step.event.clone(),
            outcome,
            attempts: step.ended_attempts,
            items,
            reason: step
                .last()
                .map(|last| reasons(&last.ended).join(": "))
                .filter(|it| !it.is_empty()),
            bars: bars(step),
            waits: step.waits.iter().take(MOST_BARS).map(|it| Stretch(it.from, it.to)).collect(),
        }
    }
}

impl OneStep {
    fn new(history: &History, index: usize, step: &StepHistory, from: usize) -> Self {
        let of_flow = history.run.flow().steps.get(index);
        let attempt = |it: &AttemptHistory| Attempt {
            number: it.attempt,
            item: it.item,
            from: it.span.from,
            to: it.span.to,
            outcome: it.ended.name(),
            errors: reasons(&it.ended),
        };
        Self {
            step: Step::new(index, step),
            version: step.version,
            output: of_flow.map(|it| it.output.clone()).unwrap_or_default(),
            value: step.value.as_ref().map(|value| Text::new(&value.to_string())),
            history: step.attempts.iter().skip(from).take(ATTEMPTS).map(attempt).collect(),
            kept: step.attempts.len(),
        }
    }
}

/// How a step ended, in a word.
pub(super) fn outcome(step: &StepHistory) -> &'static str {
    if let Some(items) = step.items {
        return if items.failed > 0 { "failure" } else { "success" };
    }
    step.last().map_or("not_run", |last| last.ended.name())
}

fn has_failed(step: &StepHistory) -> bool {
    matches!(outcome(step), "failure" | "exception" | "timed_out")
}

fn is_pending(history: &History, step: &StepHistory) -> bool {
    let is_open = history.run.ended_at.is_none();
    is_open && step.attempts.iter().any(|it| it.ended == AttemptEnd::Pending)
}

/// Why an attempt ended as it did, where there is more to say than that.
fn reasons(ended: &AttemptEnd) -> Vec<String> {
    match ended {
        AttemptEnd::Goto { branch, reason, .. } => vec![format!("went to `{branch}` ({reason})")],
        AttemptEnd::Bypassed(reason) => vec![reason.clone()],
        AttemptEnd::TimedOut => vec!["took longer than its timeout".to_owned()],
        ended => ended.errors().to_vec(),
    }
}

/// The attempts of a step on the timeline; for a step with items, when bodies ran at all.
fn bars(step: &StepHistory) -> Vec<Bar> {
    if step.items.is_none() && step.attempts.len() <= MOST_BARS {
        let bar = |it: &AttemptHistory| Bar(it.span.from, it.span.to, it.ended.name());
        return step.attempts.iter().map(bar).collect();
    }
    let outcome = outcome(step);
    // Spans beside each other are taken together until there are few enough.
    let together = step.running.len().div_ceil(MOST_BARS).max(1);
    let chunks = step
        .running
        .chunks(together)
        .filter_map(|spans: &[Span]| Some(Bar(spans.first()?.from, spans.last()?.to, outcome)));
    chunks.collect()
}
