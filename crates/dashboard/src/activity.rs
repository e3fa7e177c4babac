//! What of a run is under way, as the page shows it.

use nexus_core::RunActivity;
use nexus_core::journal::{History, Timestamp};
use serde::Serialize;

use crate::clock::now;
use crate::histories::path_of;

/// An attempt that runs, or the wait before one.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Activity {
    /// The step's place in the flow.
    pub(crate) index: usize,
    pub(crate) path: String,
    pub(crate) item: Option<u64>,
    /// Of a wait: the attempt before it.
    pub(crate) attempt: u32,
    pub(crate) since: Timestamp,
    /// When it is tried again; if it is nothing, it runs.
    pub(crate) until: Option<Timestamp>,
    pub(crate) done: Option<u64>,
    pub(crate) total: Option<u64>,
}

/// The step's place in the flow, the item, and which attempt of it.
pub(crate) type Attempt = (usize, Option<u64>, u32);

/// How many parts of how many are done.
pub(crate) type Parts = (u64, u64);

impl Activity {
    /// An attempt that runs.
    pub(crate) fn running(
        history: &History,
        (index, item, attempt): Attempt,
        since: Timestamp,
        parts: Option<Parts>,
    ) -> Self {
        Self {
            index,
            path: path_of(history, index),
            item,
            attempt,
            since,
            until: None,
            done: parts.map(|(done, _)| done),
            total: parts.map(|(_, total)| total),
        }
    }

    /// What a run does on its own thread, and what of it waits for the next attempt.
    pub(crate) fn of_run<'a>(
        run: &'a RunActivity,
        history: &'a History,
        parts: impl Fn(Attempt) -> Option<Parts> + 'a,
    ) -> impl Iterator<Item = Self> + 'a {
        let running = run.running.iter().map(move |it| {
            let attempt = (it.step_index, it.item, it.attempt);
            Self::running(history, attempt, it.at, parts(attempt))
        });
        let retrying = run.retrying.iter().map(|it| {
            let before = (it.step_index, it.item, it.attempt.saturating_sub(1));
            // The history may have been read a moment before its end was written.
            let since = end_of(history, before).unwrap_or_else(now);
            Self { until: Some(it.at), ..Self::running(history, before, since, None) }
        });
        running.chain(retrying)
    }

    /// That which runs for longest first, and then what waits; so much at most.
    pub(crate) fn sorted(mut all: Vec<Self>, most: usize) -> Vec<Self> {
        all.sort_by_key(|it| (it.until.is_some(), it.since, it.index, it.item));
        all.truncate(most);
        all
    }
}

/// When an attempt ended, if its end is written.
fn end_of(history: &History, (index, item, attempt): Attempt) -> Option<Timestamp> {
    let attempts = &history.steps.get(index)?.attempts;
    let of_it = attempts.iter().filter(|it| (it.item, it.attempt) == (item, attempt));
    of_it.map(|it| it.span.to).max()
}
