//! Durable steps, which do nothing, beside rows that bare SQLite commits: the steps of one run one
//! after the other, each of which waits for its commit, and those of 64 runs side by side.

use std::sync::Arc;

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
    fn open(folder: &Folder) -> Self {
        let store = SqliteStore::open(folder.path("runs.db")).unwrap_or_else(|error| fail(&error));
        let engine = Engine::builder().store(store).build().unwrap_or_else(|error| fail(&error));
        let mut registry = Registry::new();
        registry.event("step", |_| Outcome::success(1_900_u64)).output_json();
        let flow = Flow::parse(vec!["step"; STEPS].join(" -> "));
        let plan = flow.and_then(|flow| flow.plan(&registry, &Fields::new()));
        Self { engine, plan: plan.unwrap_or_else(|error| fail(&error)), runs: 0 }
    }

    /// Runs the plan so many times at once.
    fn run(&mut self, runs: usize) {
        let keys = self.runs..self.runs + runs;
        self.runs += runs;
        let prepared = keys.map(|key| {
            let prepared = self.engine.prepare_plan(&self.plan, Inputs::new());
            prepared.unwrap_or_else(|error| fail(&error)).key(format!("run-{key}"))
        });
        let started: Vec<_> = prepared.map(nexus::Prepared::start).collect();
        for run in started {
            let report = run.and_then(nexus::RunHandle::wait).unwrap_or_else(|error| fail(&error));
            assert!(report.is_success());
        }
    }
}

fn compare(work: &'static str, runs: usize) -> Comparison {
    let folder = Folder::new();
    let mut durable = Durable::open(&folder);
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

pub(crate) fn one_run() -> Comparison {
    compare("durable_one_run", 1)
}

pub(crate) fn many_runs() -> Comparison {
    compare("durable_64_runs", RUNS)
}
