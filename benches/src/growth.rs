//! The same work at many sizes: how long a chain, how wide a fan-out, how many runs at once.

use std::hint::black_box;
use std::sync::Arc;
use std::thread;

use nexus::Plan;
use nexus::prelude::*;

use crate::chain::{self, fail, keep_all, kept_steps};
use crate::fanout::{self, TASKS, Work, nothing, nothing_each, one_micro_each};
use crate::measure::{Comparison, Side, nanos_each};

/// A growth table's name, its sizes, and what measures one of them.
pub type Growth = (&'static str, &'static [usize], fn(usize) -> Comparison);

const SIZES: &[usize] = &[10, 100, 1_000, 10_000, 100_000, 1_000_000];
const AT_ONCE: &[usize] = &[1, 2, 3, 4, 5, 6, 7, 8];

/// All growth tables, in the order in which they are measured.
pub const GROWTH: &[Growth] = &[
    ("growth_chain", SIZES, chain),
    ("growth_group", SIZES, group),
    ("growth_each", SIZES, each),
    ("growth_inline_runs", AT_ONCE, inline_runs),
    ("growth_pool_runs", AT_ONCE, pool_runs),
];

/// Runs of each thread in a round, so that starting the threads weighs little.
const INLINE_RUNS: usize = 20;
const POOL_RUNS: usize = 4;

/// So many items.
#[event]
fn numbers_below(count: &u64) -> Outcome<Vec<u64>> {
    Outcome::success((0..*count).collect())
}

fn plan(script: &str) -> Arc<Plan> {
    let mut registry = Registry::new();
    registry.add::<nothing>().add::<nothing_each>().add::<one_micro_each>().add::<numbers_below>();
    let fields = Fields::new().with::<u64>("count");
    let plan = Flow::parse(script).and_then(|flow| flow.plan(&registry, &fields));
    plan.unwrap_or_else(|error| fail(&error))
}

fn run_once(engine: &Engine, plan: &Arc<Plan>, count: usize) -> Report {
    let inputs = Inputs::new().with("count", count as u64);
    engine.run_plan(plan, inputs).unwrap_or_else(|error| fail(&error))
}

fn nexus<'a>(script: &str, size: usize) -> Side<'a> {
    let (engine, plan) = (Engine::new(), plan(script));
    Box::new(move || nanos_each(size, || run_once(&engine, &plan, size)))
}

/// A chain of so many inline steps.
fn chain(steps: usize) -> Comparison {
    let baselines = vec![("boxed_closures_dyn_any", chain::kept(steps))];
    let nexus = chain::nexus_of(Engine::new(), steps);
    Comparison::of_size("growth_chain", steps, "ns/step", nexus, baselines)
}

/// So many members of a group that do nothing, on two workers.
fn group(tasks: usize) -> Comparison {
    let script = vec!["nothing"; tasks].join(" || ");
    let baselines = fanout::baselines(Work::Nothing, tasks);
    Comparison::of_size("growth_group", tasks, "ns/task", nexus(&script, tasks), baselines)
}

/// So many items of a list, for each of which nothing is done, on two workers.
fn each(tasks: usize) -> Comparison {
    let nexus = nexus("numbers_below |-> nothing_each[each]", tasks);
    let baselines = fanout::baselines(Work::Nothing, tasks);
    Comparison::of_size("growth_each", tasks, "ns/task", nexus, baselines)
}

/// Carries out `work` on so many threads at once, so many `times` on each; nanoseconds, divided by
/// the `parts` of all that work.
fn at_once(threads: usize, times: usize, parts: usize, work: impl Fn() + Sync) -> f64 {
    let repeated = || (0..times).for_each(|_| work());
    nanos_each(threads * times * parts, || {
        thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(repeated))));
    })
}

/// So many chains at once, each on a thread of its own.
fn inline_runs(runs: usize) -> Comparison {
    let (engine, plan) = (Engine::new(), chain::plan());
    let run = || drop(black_box(chain::run_once(&engine, &plan)));
    let nexus: Side<'_> = Box::new(|| at_once(runs, INLINE_RUNS, chain::STEPS, run));
    // Making the steps costs next to nothing: the closures are empty, so that their boxes are, too.
    let keep = || drop(black_box(keep_all(&kept_steps(chain::STEPS))));
    let by_hand: Side<'_> = Box::new(|| at_once(runs, INLINE_RUNS, chain::STEPS, keep));
    let baselines = vec![("boxed_closures_dyn_any", by_hand)];
    Comparison::of_size("growth_inline_runs", runs, "ns/step", nexus, baselines)
}

/// So many runs at once that share two workers, each with 1,000 tasks of a microsecond.
fn pool_runs(runs: usize) -> Comparison {
    let (engine, plan) = (Engine::new(), plan("numbers_below |-> one_micro_each[each]"));
    let run = || drop(black_box(run_once(&engine, &plan, TASKS)));
    let nexus: Side<'_> = Box::new(|| at_once(runs, POOL_RUNS, TASKS, run));
    let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(2).build() else {
        return Comparison::of_size("growth_pool_runs", runs, "ns/task", nexus, Vec::new());
    };
    let spawn = || {
        pool.scope(|scope| {
            (0..TASKS).for_each(|_| scope.spawn(|_| Work::OneMicro.carry_out()));
        });
    };
    let scope: Side<'_> = Box::new(|| at_once(runs, POOL_RUNS, TASKS, spawn));
    Comparison::of_size("growth_pool_runs", runs, "ns/task", nexus, vec![("rayon_scope", scope)])
}
