//! The last runs of a pipeline beside each other, step by step: what is flaky, and what is slow.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use nexus_core::journal::{RunQuery, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::steps::outcome;
use super::{Answer, Shared, json, parameters};

const RUNS: usize = 20;
const MOST_RUNS: usize = 50;
/// So many steps are shown: the first ones.
const MOST_STEPS: usize = 200;
/// The records of longer runs are not read for this.
const MOST_RECORDS: u64 = 20_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    pipeline: String,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct Grid {
    /// The paths of the steps, as the runs have them.
    steps: Vec<String>,
    /// The last run first.
    runs: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    key: Arc<str>,
    status: &'static str,
    started: Timestamp,
    /// For each of `steps` how it went; nothing where the run has no such step, or none was read.
    cells: Vec<Option<Cell>>,
}

#[derive(Debug, Serialize)]
struct Cell {
    outcome: &'static str,
    attempts: u64,
    /// How long bodies ran.
    seconds: f64,
}

/// `GET /grid`.
pub(super) async fn grid(State(app): Shared, uri: Uri) -> Answer {
    let Which { pipeline, limit } = parameters(&uri)?;
    json(&app, move |app| {
        let query = RunQuery::all().pipeline(pipeline);
        let runs = app.engine.runs(&query.limit(limit.unwrap_or(RUNS).clamp(1, MOST_RUNS)))?;
        let (mut steps, mut places) = (Vec::new(), HashMap::new());
        let mut rows = Vec::new();
        for run in runs {
            let mut cells: Vec<Option<Cell>> = Vec::new();
            // A run that is damaged has a row, and no cells.
            let history =
                if run.records > MOST_RECORDS { None } else { app.history(&run.start.key).ok() };
            for step in history.iter().flat_map(|it| &it.steps).take(MOST_STEPS) {
                let place = *places.entry(step.path.clone()).or_insert_with(|| {
                    steps.push(step.path.clone());
                    steps.len() - 1
                });
                if cells.len() <= place {
                    cells.resize_with(place + 1, || None);
                }
                let ran: std::time::Duration = step.running.iter().map(Span::duration).sum();
                let (outcome, attempts) = (outcome(step), step.ended_attempts);
                cells[place] = Some(Cell { outcome, attempts, seconds: ran.as_secs_f64() });
            }
            let (key, started) = (Arc::clone(&run.start.key), run.start.at);
            rows.push(Row { key, status: run.state.name(), started, cells });
        }
        Ok(Grid { steps, runs: rows })
    })
    .await
}
