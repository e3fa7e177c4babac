//! Async events, awaited by `run_async`: 1,000 that pass a `u64`, and 1,000 beside each other.
#![expect(clippy::unused_async, reason = "an async event that never waits shows what nexus adds")]

use std::any::Any;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;

use nexus::prelude::*;
use tokio::runtime::{Builder, Runtime};

use crate::chain::{STEPS, fail};
use crate::fanout::TASKS;
use crate::measure::{Comparison, Side, nanos_each};

/// Begins the chain.
#[event]
async fn start_async(seed: &u64) -> Outcome<u64> {
    Outcome::success(*seed)
}

/// One step of the chain.
#[event]
async fn bump_async(#[piped] n: &u64) -> Outcome<u64> {
    Outcome::success(black_box(*n) + 1)
}

/// Does nothing.
#[event(executor = AsyncExecutor, executor_config = { max_workers: 2 })]
async fn nothing_async() -> Outcome<()> {
    black_box(Outcome::success(()))
}

fn built(builder: &mut Builder) -> Runtime {
    builder.build().unwrap_or_else(|error| {
        eprintln!("no tokio runtime: {error}");
        std::process::exit(1)
    })
}

fn engine() -> Engine {
    Engine::builder().step_timings(false).build().unwrap_or_else(|error| fail(&error))
}

fn plan(script: String, registry: &Registry, fields: &Fields) -> Arc<nexus::Plan> {
    let plan = Flow::parse(script).and_then(|flow| flow.plan(registry, fields));
    plan.unwrap_or_else(|error| fail(&error))
}

fn run(runtime: &Runtime, engine: &Engine, plan: &Arc<nexus::Plan>, inputs: Inputs) -> Report {
    let prepared = engine.prepare_plan(plan, inputs).unwrap_or_else(|error| fail(&error));
    runtime.block_on(prepared.run_async()).unwrap_or_else(|error| fail(&error))
}

type Awaited<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Step<T> = Box<dyn Fn(T) -> Awaited<T>>;
type Kept = Arc<dyn Any + Send + Sync>;

fn kept_bump(previous: Kept) -> Awaited<Kept> {
    Box::pin(async move {
        let n = previous.downcast_ref::<u64>().copied().unwrap_or_default();
        Arc::new(black_box(n) + 1) as Kept
    })
}

async fn keep_all(steps: &[Step<Kept>]) -> Vec<Kept> {
    let mut last: Kept = Arc::new(1_u64);
    let mut results = Vec::with_capacity(steps.len() + 1);
    for step in steps {
        let next = step(Arc::clone(&last)).await;
        results.push(std::mem::replace(&mut last, next));
    }
    results.push(last);
    results
}

pub(crate) fn chain() -> Comparison {
    let engine = engine();
    let mut registry = Registry::new();
    registry.add::<start_async>().add::<bump_async>();
    let script = format!("start_async{}", " |-> bump_async".repeat(STEPS - 1));
    let plan = plan(script, &registry, &Fields::new().with::<u64>("seed"));
    let runtime = built(Builder::new_current_thread().enable_all());

    let bump = |n: u64| -> Awaited<u64> { Box::pin(async move { black_box(n) + 1 }) };
    let given: Vec<Step<u64>> = (0..STEPS).map(|_| Box::new(bump) as Step<u64>).collect();
    let kept: Vec<Step<Kept>> = (0..STEPS).map(|_| Box::new(kept_bump) as Step<Kept>).collect();
    let in_turn = async || {
        let mut n = 1;
        for step in &given {
            n = step(n).await;
        }
        n
    };
    let nexus: Side<'_> = Box::new(|| {
        let inputs = Inputs::new().with("seed", 1_u64);
        nanos_each(STEPS, || run(&runtime, &engine, &plan, inputs))
    });
    let baselines: Vec<(&str, Side<'_>)> = vec![
        ("boxed_futures", Box::new(|| nanos_each(STEPS, || runtime.block_on(in_turn())))),
        (
            "boxed_futures_dyn_any",
            Box::new(|| nanos_each(STEPS, || runtime.block_on(keep_all(&kept)))),
        ),
    ];
    Comparison::of("async_chain", "ns/step", nexus, baselines)
}

pub(crate) fn fanout() -> Comparison {
    let engine = engine();
    let mut registry = Registry::new();
    registry.add::<nothing_async>();
    let plan = plan(vec!["nothing_async"; TASKS].join(" || "), &registry, &Fields::new());
    let waiting = built(Builder::new_current_thread().enable_all());
    let tokio = built(Builder::new_multi_thread().worker_threads(2).enable_all());

    let nexus: Side<'_> =
        Box::new(|| nanos_each(TASKS, || run(&waiting, &engine, &plan, Inputs::new())));
    let join = async || {
        let tasks: Vec<_> = (0..TASKS).map(|_| tokio.spawn(async { black_box(()) })).collect();
        for task in tasks {
            let _ = task.await;
        }
    };
    let spawned: Side<'_> = Box::new(|| nanos_each(TASKS, || waiting.block_on(join())));
    Comparison::of("async_fanout", "ns/task", nexus, vec![("tokio_spawn", spawned)])
}
