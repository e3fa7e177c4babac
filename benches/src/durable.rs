//! Durable steps, which do nothing, beside rows that bare SQLite commits: the steps of one run one
//! after the other, each of which waits for its commit, and those of 64 runs side by side.

use std::sync::Arc;

use nexus::journal::Store;
use nexus::{Engine, Fields, Flow, Inputs, Outcome, Plan, Registry, SqliteStore};

use crate::chain::fail;
use crate::measure::{Comparison, Side, nanos_each};
use crate::store::{Bare, Folder};

/// Steps of a run.
const STEPS: usize = 64;

/// Runs side by side.
const RUNS: usize = 64;

struct Durable {
    engine: Engine,
    plan: Arc<Plan>,
    /// Each run has a key of its own.
    runs: usize,
}

impl Durable {
    fn open(folder: &Folder, steps: usize) -> Self {
        let mut registry = Registry::new();
        registry.event("step", |_| Outcome::success(1_900_u64)).output_json();
        let flow = Flow::parse(vec!["step"; steps].join(" -> "));
        let plan = flow.and_then(|flow| flow.plan(&registry, &Fields::new()));
        let plan = plan.unwrap_or_else(|error| fail(&error));
        let store = SqliteStore::open(folder.path("runs.db")).unwrap_or_else(|error| fail(&error));
        let engine = Engine::builder().store(store).resumable(&plan).build();
        Self { engine: engine.unwrap_or_else(|error| fail(&error)), plan, runs: 0 }
    }

    /// Runs the plan so many times at once.
    fn run(&mut self, runs: usize) {
        let keys = self.runs..self.runs + runs;
        self.runs += runs;
        let prepared = keys.map(|key| {
            let prepared = self.engine.prepare_plan(&self.plan, Inputs::new());
            prepared.unwrap_or_else(|error| fail(&error)).key(format!("run-{key}"))
        });
        for run in nexus::Prepared::start_all(prepared) {
            let report = run.and_then(nexus::RunHandle::wait).unwrap_or_else(|error| fail(&error));
            assert!(report.is_success());
        }
    }
}

fn compare(work: &'static str, runs: usize) -> Comparison {
    let folder = Folder::new();
    let mut durable = Durable::open(&folder, STEPS);
    let mut bare = Bare::open(&folder.path("bare.db")).unwrap_or_else(|error| fail(&error));
    let mut bare = move || bare.commit(runs).unwrap_or_else(|error| fail(&error));
    // The log is to have its full length on both sides: see `store`.
    (0..1_200).for_each(|_| bare());
    (0..1_200 / STEPS).for_each(|_| durable.run(runs));
    let steps = STEPS * runs;
    let nexus: Side<'_> = Box::new(move || nanos_each(steps, || durable.run(runs)));
    let sqlite: Side<'_> = Box::new(move || nanos_each(steps, || (0..STEPS).for_each(|_| bare())));
    Comparison::of_slow(work, "ns/step", nexus, vec![("bare_sqlite", sqlite)])
}

/// Runs that are over, brought back from what the store has of them, beside reading the same store and
/// doing nothing with it.
fn compare_replay(work: &'static str, runs: usize) -> Comparison {
    const RECORDS: usize = 10_240;
    let folder = Folder::new();
    let mut durable = Durable::open(&folder, RECORDS / runs);
    durable.run(runs);
    let path = folder.path("runs.db");
    let reader = SqliteStore::read_only(&path).unwrap_or_else(|error| fail(&error));
    let keys: Vec<String> = (0..runs).map(|run| format!("run-{run}")).collect();
    let read = keys.clone();
    let nexus: Side<'_> = Box::new(move || {
        nanos_each(RECORDS, || {
            for key in &keys {
                let report = durable.engine.report(key).unwrap_or_else(|error| fail(&error));
                assert!(report.is_some_and(|report| report.is_success()));
            }
        })
    });
    let records: Side<'_> = Box::new(move || {
        nanos_each(RECORDS, || {
            for key in &read {
                let records = reader.records(key, 0, usize::MAX);
                assert!(records.is_ok_and(|records| records.len() == RECORDS / runs));
            }
        })
    });
    Comparison::of_slow(work, "ns/record", nexus, vec![("read_alone", records)])
}

pub(crate) fn replay() -> Comparison {
    compare_replay("durable_replay", 1)
}

pub(crate) fn replay_of_many_runs() -> Comparison {
    compare_replay("durable_replay_64_runs", RUNS)
}

pub(crate) fn one_run() -> Comparison {
    compare("durable_one_run", 1)
}

pub(crate) fn many_runs() -> Comparison {
    compare("durable_64_runs", RUNS)
}
