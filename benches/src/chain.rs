//! 1,000 inline events passing a `u64`, all results kept.

use std::any::Any;
use std::hint::black_box;
use std::sync::Arc;

use nexus::prelude::*;

use crate::measure::{Comparison, Side, nanos_each};

/// How long the chain is.
pub const STEPS: usize = 1_000;

/// Begins the chain.
#[event]
pub fn start(seed: &u64) -> Outcome<u64> {
    Outcome::success(*seed)
}

/// One step of the chain.
#[event]
pub fn bump(#[piped] n: &u64) -> Outcome<u64> {
    Outcome::success(black_box(*n) + 1)
}

/// The chain's plan; its only field is the number to start from.
pub fn plan() -> Arc<nexus::Plan> {
    plan_of(STEPS)
}

/// The chain at another length.
pub(crate) fn plan_of(steps: usize) -> Arc<nexus::Plan> {
    let mut registry = Registry::new();
    registry.add::<start>().add::<bump>();
    let fields = Fields::new().with::<u64>("seed");
    let flow = Flow::parse(script_of(steps)).and_then(|flow| flow.plan(&registry, &fields));
    flow.unwrap_or_else(|error| fail(&error))
}

/// `start |-> bump |-> bump ...`
pub fn script() -> String {
    script_of(STEPS)
}

fn script_of(steps: usize) -> String {
    format!("start{}", " |-> bump".repeat(steps - 1))
}

/// Ends the program: a benchmark that cannot run has nothing to say.
pub fn fail(error: &impl std::fmt::Display) -> ! {
    eprintln!("{error}");
    std::process::exit(1)
}

/// Runs the chain, with all results kept.
pub fn run_once(engine: &Engine, plan: &Arc<nexus::Plan>) -> Report {
    let report = engine.run_plan(plan, Inputs::new().with("seed", 1_u64));
    report.unwrap_or_else(|error| fail(&error))
}

pub(crate) fn inline() -> Comparison {
    compare("chain_inline", false)
}

/// The same with the default engine, which measures how long each step took.
pub(crate) fn inline_timed() -> Comparison {
    compare("chain_inline_timed", true)
}

/// nexus with its default settings.
pub fn nexus<'a>() -> Side<'a> {
    nexus_of(Engine::new(), STEPS)
}

pub(crate) fn nexus_of<'a>(engine: Engine, steps: usize) -> Side<'a> {
    let plan = plan_of(steps);
    Box::new(move || nanos_each(steps, || run_once(&engine, &plan)))
}

/// The hand-written loop that keeps every result behind `Box<dyn Any>`.
pub fn kept<'a>(steps: usize) -> Side<'a> {
    let kept = kept_steps(steps);
    Box::new(move || nanos_each(steps, || keep_all(&kept)))
}

fn compare(work: &'static str, timings: bool) -> Comparison {
    let engine = Engine::builder().step_timings(timings).build();
    let engine = engine.unwrap_or_else(|error| fail(&error));
    let closures: Vec<Box<dyn Fn(u64) -> u64>> = (0..STEPS)
        .map(|_| Box::new(|n: u64| black_box(n) + 1) as Box<dyn Fn(u64) -> u64>)
        .collect();
    let baselines: Vec<(&str, Side<'_>)> = vec![
        (
            "boxed_closures",
            Box::new(|| nanos_each(STEPS, || closures.iter().fold(1, |n, step| step(n)))),
        ),
        ("boxed_closures_dyn_any", kept(STEPS)),
    ];
    Comparison::of(work, "ns/step", nexus_of(engine, STEPS), baselines)
}

type Kept = Box<dyn Any + Send + Sync>;
pub(crate) type KeptStep = Box<dyn Fn(&Kept) -> Option<Kept>>;

fn kept_bump(previous: &Kept) -> Option<Kept> {
    let n: &u64 = previous.downcast_ref()?;
    Some(Box::new(black_box(*n) + 1))
}

pub(crate) fn kept_steps(steps: usize) -> Vec<KeptStep> {
    (0..steps).map(|_| Box::new(kept_bump) as KeptStep).collect()
}

/// The hand-written loop: every step's result is kept behind `dyn Any`, and read by the next.
pub(crate) fn keep_all(steps: &[KeptStep]) -> Option<Vec<Kept>> {
    let mut results: Vec<Kept> = Vec::with_capacity(steps.len() + 1);
    results.push(Box::new(1_u64));
    for step in steps {
        let next = step(results.last()?)?;
        results.push(next);
    }
    Some(results)
}
