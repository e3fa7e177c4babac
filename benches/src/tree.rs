//! A binary tree of 1,023 events: 512 leaves, and 511 that add up the two below them.

use std::any::Any;
use std::hint::black_box;
use std::sync::Arc;

use nexus::Plan;
use nexus::prelude::*;

use crate::chain::fail;
use crate::measure::{Comparison, Side, nanos_each};

/// How many levels are above the leaves.
pub const DEPTH: usize = 9;

/// How many events the tree has.
pub const NODES: usize = (1 << (DEPTH + 1)) - 1;

/// A leaf, on the run's own thread.
#[event(executor = DefaultExecutor)]
fn leaf() -> Outcome<u64> {
    Outcome::success(black_box(1))
}

/// A leaf on the engine's shared pool, where members of a group run that name no executor.
#[event]
fn pooled_leaf() -> Outcome<u64> {
    Outcome::success(black_box(1))
}

/// Adds up the two nodes below.
#[event(executor = DefaultExecutor)]
fn sum(#[piped] (left, right): (&u64, &u64)) -> Outcome<u64> {
    Outcome::success(left + right)
}

/// The same on the shared pool.
#[event]
fn pooled_sum(#[piped] (left, right): (&u64, &u64)) -> Outcome<u64> {
    Outcome::success(left + right)
}

fn script(leaf: &str, sum: &str, depth: usize) -> String {
    if depth == 0 {
        return leaf.to_owned();
    }
    let below = script(leaf, sum, depth - 1);
    format!("{{{{{below} || {below}}} |-> {sum}}}")
}

fn plan(leaf_name: &str, sum_name: &str) -> Arc<Plan> {
    let mut registry = Registry::new();
    registry.add::<leaf>().add::<sum>();
    registry.add::<pooled_leaf>().add::<pooled_sum>();
    let flow = Flow::parse(script(leaf_name, sum_name, DEPTH));
    let plan = flow.and_then(|flow| flow.plan(&registry, &Fields::new()));
    plan.unwrap_or_else(|error| fail(&error))
}

/// The tree on the run's own thread.
pub(crate) fn inline_plan() -> Arc<Plan> {
    plan("leaf", "sum")
}

/// The tree on the shared pool.
pub(crate) fn pooled_plan() -> Arc<Plan> {
    plan("pooled_leaf", "pooled_sum")
}

fn side<'a>(engine: Engine, leaf_name: &str, sum_name: &str) -> Side<'a> {
    let plan = plan(leaf_name, sum_name);
    let run = move || engine.run_plan(&plan, Inputs::new()).unwrap_or_else(|error| fail(&error));
    Box::new(move || nanos_each(NODES, &run))
}

/// The tree on the run's own thread, with default settings.
pub fn nexus_inline<'a>() -> Side<'a> {
    side(Engine::new(), "leaf", "sum")
}

/// The tree on the shared pool, with default settings.
pub fn nexus_pool<'a>() -> Side<'a> {
    side(Engine::new(), "pooled_leaf", "pooled_sum")
}

fn untimed() -> Engine {
    Engine::builder().step_timings(false).build().unwrap_or_else(|error| fail(&error))
}

type Kept = Arc<dyn Any + Send + Sync>;

/// The hand-written tree: every node's result is kept behind `dyn Any`.
fn keep_all(depth: usize, kept: &mut Vec<Kept>) -> Kept {
    let node: Kept = if depth == 0 {
        Arc::new(black_box(1_u64))
    } else {
        let (left, right) = (keep_all(depth - 1, kept), keep_all(depth - 1, kept));
        let number = |node: &Kept| node.downcast_ref::<u64>().copied().unwrap_or_default();
        Arc::new(number(&left) + number(&right))
    };
    kept.push(Arc::clone(&node));
    node
}

fn join(depth: usize) -> u64 {
    if depth == 0 {
        return black_box(1);
    }
    let (left, right) = rayon::join(|| join(depth - 1), || join(depth - 1));
    left + right
}

/// What does the same by hand and with rayon.
pub fn baselines<'a>() -> Vec<(&'static str, Side<'a>)> {
    let kept = || {
        nanos_each(NODES, || {
            let mut kept = Vec::with_capacity(NODES);
            keep_all(DEPTH, &mut kept);
            kept
        })
    };
    let mut baselines: Vec<(&'static str, Side<'a>)> = vec![("recursion_dyn_any", Box::new(kept))];
    if let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(2).build() {
        let joined = move || nanos_each(NODES, || pool.install(|| join(DEPTH)));
        baselines.push(("rayon_join", Box::new(joined)));
    }
    baselines
}

/// The tree on the run's own thread.
pub(crate) fn inline() -> Comparison {
    let mut baselines = baselines();
    baselines.push(("nexus_without_timings", side(untimed(), "leaf", "sum")));
    Comparison::of("tree_inline", "ns/node", nexus_inline(), baselines)
}

/// The tree of events that name no executor, so that its nodes run on the shared pool.
pub(crate) fn pool() -> Comparison {
    let mut baselines = baselines();
    baselines.push(("nexus_without_timings", side(untimed(), "pooled_leaf", "pooled_sum")));
    baselines.push(("nexus_inline", nexus_inline()));
    Comparison::of("tree_pool", "ns/node", nexus_pool(), baselines)
}
