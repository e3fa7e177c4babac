//! What a whole run costs: of three steps, and of one step that is tried three times.

use std::hint::black_box;
use std::sync::Arc;

use nexus::Plan;
use nexus::prelude::*;

use crate::chain::fail;
use crate::measure::{Comparison, Side, nanos_each};

/// Runs in a round.
pub const RUNS: usize = 200;

/// The first of three steps.
#[event]
fn one() -> Outcome<u64> {
    Outcome::success(black_box(1))
}

/// The second and third.
#[event]
fn more(#[piped] n: &u64) -> Outcome<u64> {
    Outcome::success(black_box(*n) + 1)
}

#[derive(Debug, thiserror::Error)]
#[error("not yet")]
struct NotYet;

/// Succeeds at the third attempt.
#[event(retry_policy = { max_attempts: 3, backoff_factor: 0.0 })]
fn third_time(ctx: &Context) -> Result<u64, NotYet> {
    if ctx.attempt() < 3 { Err(NotYet) } else { Ok(3) }
}

const THREE_STEPS: &str = "one |-> more |-> more";
const TWO_RETRIES: &str = "third_time";

fn plan(script: &str) -> Arc<Plan> {
    let mut registry = Registry::new();
    registry.add::<one>().add::<more>().add::<third_time>();
    let plan = Flow::parse(script).and_then(|flow| flow.plan(&registry, &Fields::new()));
    plan.unwrap_or_else(|error| fail(&error))
}

pub(crate) fn three_steps_plan() -> Arc<Plan> {
    plan(THREE_STEPS)
}

pub(crate) fn two_retries_plan() -> Arc<Plan> {
    plan(TWO_RETRIES)
}

fn side<'a>(engine: Engine, script: &str) -> Side<'a> {
    let plan = plan(script);
    let run = move || {
        for _ in 0..RUNS {
            black_box(engine.run_plan(&plan, Inputs::new()).unwrap_or_else(|error| fail(&error)));
        }
    };
    Box::new(move || nanos_each(RUNS, &run))
}

/// The step with two retries, with default settings.
pub fn nexus_two_retries<'a>() -> Side<'a> {
    side(Engine::new(), TWO_RETRIES)
}

fn untimed() -> Engine {
    Engine::builder().step_timings(false).build().unwrap_or_else(|error| fail(&error))
}

pub(crate) fn three_steps() -> Comparison {
    let by_hand = || {
        for _ in 0..RUNS {
            let mut kept: Vec<Arc<dyn std::any::Any + Send + Sync>> =
                vec![Arc::new(black_box(1_u64))];
            for _ in 0..2 {
                let last = kept.last().and_then(|last| last.downcast_ref::<u64>());
                let next = black_box(last.copied().unwrap_or_default()) + 1;
                kept.push(Arc::new(next));
            }
            black_box(kept);
        }
    };
    let baselines: Vec<(&str, Side<'_>)> = vec![
        ("three_calls_dyn_any", Box::new(move || nanos_each(RUNS, by_hand))),
        ("nexus_without_timings", side(untimed(), THREE_STEPS)),
    ];
    let nexus = side(Engine::new(), THREE_STEPS);
    Comparison::of("run_three_steps", "ns/run", nexus, baselines)
}

/// A loop that tries until it has succeeded, or three times.
pub fn loop_by_hand<'a>() -> Side<'a> {
    let by_hand = || {
        for _ in 0..RUNS {
            let mut attempt = 0;
            let result = loop {
                attempt += 1;
                let result: Result<u64, Box<dyn std::error::Error>> =
                    if black_box(attempt) < 3 { Err(Box::new(NotYet)) } else { Ok(3) };
                if result.is_ok() || attempt == 3 {
                    break result;
                }
            };
            let _ = black_box(result);
        }
    };
    Box::new(move || nanos_each(RUNS, by_hand))
}

pub(crate) fn two_retries() -> Comparison {
    let baselines: Vec<(&str, Side<'_>)> =
        vec![("loop", loop_by_hand()), ("nexus_without_timings", side(untimed(), TWO_RETRIES))];
    Comparison::of("run_two_retries", "ns/run", nexus_two_retries(), baselines)
}
