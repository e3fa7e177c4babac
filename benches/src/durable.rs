//! Durable steps, which do nothing, beside rows that bare SQLite commits: the steps of one run one
//! after the other, each of which waits for its commit, and those of 64 runs side by side. In a run of
//! 64 steps its start and its end weigh as well, of which `bare_sqlite` writes nothing;
//! `bare_sqlite_same_rows` writes all rows that the store has afterwards, in as many commits.

use std::sync::Arc;

use nexus::journal::Store;
use nexus::{Engine, Fields, Flow, Inputs, Outcome, Plan, Registry, SqliteStore};

use crate::chain::fail;
use crate::measure::{Comparison, Side, nanos_each};
use crate::store::{Bare, Folder, SameRows};

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
    /// Of so many steps one is recorded; the others have `checkpoint = false`.
    fn open(folder: &Folder, steps: usize, every: usize) -> Self {
        let mut registry = Registry::new();
        registry.event("step", |_| Outcome::success(1_900_u64)).output_json();
        let pure = registry.event("pure", |_| Outcome::success(1_900_u64)).output_json();
        pure.checkpoint(false);
        let names: Vec<&str> =
            (1..=steps).map(|n| if n % every == 0 { "step" } else { "pure" }).collect();
        let flow = Flow::parse(names.join(" -> "));
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

/// Beside commits of one row for each run, and of the rows that a recorded step comes with.
fn compare(work: &'static str, runs: usize, steps: usize, every: usize) -> Comparison {
    let folder = Folder::new();
    let mut durable = Durable::open(&folder, steps, every);
    let mut bare = Bare::open(&folder.path("bare.db")).unwrap_or_else(|error| fail(&error));
    let mut same =
        SameRows::open(&folder.path("same.db"), runs).unwrap_or_else(|error| fail(&error));
    let mut bare = move || bare.commit(runs * every).unwrap_or_else(|error| fail(&error));
    let mut same = move || same.round(steps / every, every).unwrap_or_else(|error| fail(&error));
    // The log is to have its full length on all sides: see `store`.
    (0..1_200).for_each(|_| bare());
    (0..1_200 * every / steps).for_each(|_| {
        durable.run(runs);
        same();
    });
    let all = steps * runs;
    let nexus: Side<'_> = Box::new(move || nanos_each(all, || durable.run(runs)));
    let sqlite: Side<'_> =
        Box::new(move || nanos_each(all, || (0..steps / every).for_each(|_| bare())));
    let same: Side<'_> = Box::new(move || nanos_each(all, &mut same));
    let baselines = vec![("bare_sqlite", sqlite), ("bare_sqlite_same_rows", same)];
    Comparison::of_slow(work, "ns/step", nexus, baselines)
}

/// Runs that are over, brought back from what the store has of them, beside reading the same store and
/// doing nothing with it.
fn compare_replay(work: &'static str, runs: usize) -> Comparison {
    const RECORDS: usize = 10_240;
    let folder = Folder::new();
    let mut durable = Durable::open(&folder, RECORDS / runs, 1);
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
    compare("durable_one_run", 1, STEPS, 1)
}

/// Of each sixteen steps the last one is recorded.
pub(crate) fn one_run_of_pure_steps() -> Comparison {
    compare("durable_one_run_pure", 1, 64 * STEPS, 16)
}

pub(crate) fn many_runs() -> Comparison {
    compare("durable_64_runs", RUNS, STEPS, 1)
}

/// The same with runs in which starts and ends weigh little.
pub(crate) fn many_long_runs() -> Comparison {
    compare("durable_64_long_runs", RUNS, 1_000, 1)
}
