//! When pipelines run by themselves.

use axum::extract::State;
use serde::Serialize;

use super::hints::{self, Hint};
use super::{Answer, Shared, json};
use crate::clock::now;
use crate::schedules::ScheduleLine;

/// A schedule, and what there is to say of it.
#[derive(Debug, Serialize)]
pub(super) struct Schedule {
    #[serde(flatten)]
    line: ScheduleLine,
    hints: Vec<Hint>,
}

/// `GET /schedules`.
pub(super) async fn list(State(app): Shared) -> Answer {
    json(&app, |app| {
        let lines = app.schedules.as_ref().map_or(Ok(Vec::new()), |source| source())?;
        let shown = |line| Schedule { hints: hints::of_schedule(&line, now()), line };
        Ok(lines.into_iter().map(shown).collect::<Vec<_>>())
    })
    .await
}
