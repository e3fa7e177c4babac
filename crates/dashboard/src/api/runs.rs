//! Lists of runs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use nexus_core::journal::{Cursor, RunCounts, RunQuery, RunState, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Answer, Shared, json, parameters};
use crate::app::App;
use crate::error::ApiError;
use crate::listed::{ListedRun, Page};

const PAGE: usize = 50;
const LONGEST_PAGE: usize = 500;

/// Which runs to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// States, with commas between them.
    status: Option<String>,
    pipeline: Option<String>,
    /// What the key begins with.
    key: Option<String>,
    parent: Option<String>,
    since: Option<u64>,
    until: Option<u64>,
    /// Where the page before ended.
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct Counts {
    total: u64,
    states: Vec<StateCount>,
}

#[derive(Debug, Serialize)]
struct StateCount {
    status: &'static str,
    count: u64,
}

impl Filter {
    fn query(self) -> Result<RunQuery, ApiError> {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let states = filled(self.status).map_or(Ok(Vec::new()), |names| states(&names))?;
        Ok(RunQuery {
            states,
            pipeline: filled(self.pipeline),
            key_prefix: filled(self.key),
            parent: filled(self.parent).map(Arc::from),
            since: self.since.map(Timestamp),
            until: self.until.map(Timestamp),
            after: filled(self.after).map(|place| cursor(&place)).transpose()?,
            limit: Some(self.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE)),
            ..RunQuery::all()
        })
    }
}

fn states(names: &str) -> Result<Vec<RunState>, ApiError> {
    let state = |name: &str| {
        let found = RunCounts::STATES.into_iter().find(|state| state.name() == name);
        found.ok_or_else(|| {
            let known = RunCounts::STATES.map(RunState::name).join(", ");
            ApiError::bad_request(format!("there is no status `{name}`; there are {known}"))
        })
    };
    names.split(',').map(state).collect()
}

/// A place in the list is written as the time when the run there began, and its key.
fn cursor(text: &str) -> Result<Cursor, ApiError> {
    let place = text.split_once(':').and_then(|(at, key)| {
        Some(Cursor { at: Timestamp(at.parse().ok()?), key: Arc::from(key) })
    });
    place.ok_or_else(|| ApiError::bad_request(format!("`{text}` is no place in a list of runs")))
}

/// The runs that are asked for, and how to ask for the next ones.
fn page(app: &App, mut query: RunQuery) -> Result<Page, ApiError> {
    let length = query.limit.unwrap_or(PAGE);
    // One more says whether there is another page.
    query.limit = Some(length + 1);
    let found = app.engine.runs(&query)?;
    let runs = found.iter().take(length).map(|run| ListedRun::new(&app.live, run)).collect();
    let last = found.get(length - 1).filter(|_| found.len() > length);
    let next = last.map(|run| format!("{}:{}", run.start.at.0, run.start.key));
    Ok(Page { runs, next })
}

/// `GET /runs`.
pub(super) async fn list(State(app): Shared, uri: Uri) -> Answer {
    let query = parameters::<Filter>(&uri)?.query()?;
    json(&app, move |app| {
        let question = uri.query().unwrap_or_default();
        app.lists.get(question, app.told_at(), || Ok(Arc::new(page(app, query)?)))
    })
    .await
}

/// `GET /counts`.
pub(super) async fn counts(State(app): Shared, uri: Uri) -> Answer {
    let query = parameters::<Filter>(&uri)?.query()?;
    json(&app, move |app| {
        let question = uri.query().unwrap_or_default();
        let ask = || Ok(app.engine.run_counts(&query)?);
        let counts = app.counts.get(question, app.told_at(), ask)?;
        let count = |(state, count): (RunState, u64)| StateCount { status: state.name(), count };
        Ok(Counts { total: counts.total(), states: counts.iter().map(count).collect() })
    })
    .await
}
