//! What a list says of a run.

use std::sync::Arc;

use nexus_core::journal::{StoredRun, Timestamp};
use serde::Serialize;

use crate::live::Live;

/// A run in a list.
#[derive(Debug, Serialize)]
pub(crate) struct ListedRun {
    pub(crate) key: Arc<str>,
    pipeline: Arc<str>,
    status: &'static str,
    started: Timestamp,
    ended: Option<Timestamp>,
    deadline: Option<Timestamp>,
    parent: Option<Arc<str>>,
    records: u64,
    reason: Option<String>,
    /// Whether it is under way in this process, if that is known.
    active: Option<bool>,
}

/// Some runs of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    pub(crate) runs: Vec<ListedRun>,
    /// What `after` is for the next page, if there is one.
    pub(crate) next: Option<String>,
}

impl ListedRun {
    pub(crate) fn new(live: &Live, run: &StoredRun) -> Self {
        let start = &run.start;
        let active = live.is_observed().then(|| live.is_active(&start.key));
        Self {
            key: Arc::clone(&start.key),
            pipeline: Arc::clone(&start.pipeline),
            status: run.state.name(),
            started: start.at,
            ended: run.ended_at,
            deadline: start.deadline,
            parent: start.parent.clone(),
            records: run.records,
            reason: run.reason.clone(),
            active,
        }
    }
}
