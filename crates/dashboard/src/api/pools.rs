//! The pools where events run, and what they have to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use nexus_core::journal::Timestamp;
use serde::Serialize;

use super::events::{Event, events};
use super::hints::{self, Hint};
use super::{Answer, Shared, json};
use crate::app::App;
use crate::clock::now;
use crate::live::running_on_own_threads;
use crate::live_pools::Load;

/// A pool, or a place where events run that is none.
#[derive(Debug, Serialize)]
pub(super) struct Pool {
    name: String,
    /// How many attempts it runs at a time; nothing if there is no limit, or if the executor decides and
    /// has had nothing to do.
    workers: Option<usize>,
    events: BTreeSet<String>,
    /// How many attempts wait for a worker, and since when some have.
    queued: usize,
    queued_since: Option<Timestamp>,
    running: usize,
    /// Bodies that still run though their attempts are over.
    abandoned: usize,
    /// How many workers have died under an attempt, and were replaced.
    lost: u64,
    hints: Vec<Hint>,
}

/// More workers than this are no limit.
const NO_LIMIT: usize = 1 << 20;

/// `GET /pools`.
pub(super) async fn list(State(app): Shared) -> Answer {
    let all = |app: &App| {
        let own = running_on_own_threads(&app.engine);
        Ok(pools(events(), app.live.pools.loads(), &own))
    };
    json(&app, all).await
}

fn pools(
    events: &[Event],
    loads: BTreeMap<Arc<str>, Load>,
    running: &std::collections::HashMap<String, usize>,
) -> Vec<Pool> {
    let now = now();
    let used =
        loads.into_iter().map(|(name, load)| (name.to_string(), Pool::used(&name, load, now)));
    let mut pools: BTreeMap<String, Pool> = used.collect();
    let handed_out: BTreeSet<String> = pools.values().flat_map(|it| it.events.clone()).collect();
    for event in events {
        // What runs where a pool was given it, for the flow says so, is counted there.
        if event.pool.is_none() && handed_out.contains(&event.name) {
            continue;
        }
        let name = event.pool.as_deref().unwrap_or("the run's own thread");
        let pool = pools.entry(name.to_owned()).or_insert_with(|| Pool::unused(name, event));
        pool.events.insert(event.name.clone());
        // Nobody hands out what the run's own thread does.
        if event.pool.is_none() {
            pool.running += running.get(&event.name).copied().unwrap_or(0);
        }
    }
    pools.into_values().collect()
}

impl Pool {
    fn used(name: &str, load: Load, now: Timestamp) -> Self {
        Self {
            hints: hints::of_pool(name, &load, now),
            name: name.to_owned(),
            workers: Some(load.workers).filter(|it| *it < NO_LIMIT),
            events: load.events,
            queued: load.queued,
            queued_since: load.queued_since,
            running: load.running,
            abandoned: load.abandoned,
            lost: load.lost,
        }
    }

    /// A pool begins with the first thing that it has to do.
    fn unused(name: &str, event: &Event) -> Self {
        let workers = event.workers.or(event.max_concurrency);
        Self { workers, ..Self::used(name, Load { workers: NO_LIMIT, ..Load::default() }, now()) }
    }
}
