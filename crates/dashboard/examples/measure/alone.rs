//! What it costs a run that a dashboard is told of each step. The run has its thread for itself and its store
//! in memory: beside 64 runs that share two processors and a disk, that little would be lost in what they
//! cost each other.

use std::path::Path;

use nexus_core::journal::MemoryStore;
use nexus_core::{Engine, Inputs};
use nexus_dashboard::Dashboard;

use crate::pages::{plan, processor_time};
use crate::{Result, Spread};

const RUNS: u32 = 1000;
const STEPS: u32 = 50;
/// Runs with a dashboard and runs without, so often.
const PAIRS: usize = 25;

pub(crate) fn measure() -> Result<()> {
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        for is_told in [pair % 2 == 0, pair % 2 != 0] {
            let before = processor_time(Path::new("/proc/thread-self"))?;
            run(is_told, RUNS)?;
            let used = processor_time(Path::new("/proc/thread-self"))? - before;
            let of_step = used / f64::from(RUNS * STEPS) * 1e6;
            if is_told { with.push(of_step) } else { without.push(of_step) }
        }
    }
    let more = with.iter().zip(&without).map(|(with, without)| with - without).collect();
    println!(
        "\none run after the other, the store in memory, the processor time of a step: {} µs without a dashboard, {} µs with one: {} µs more",
        Spread::of(without),
        Spread::of(with),
        Spread::of(more)
    );
    Ok(())
}

/// Does so many runs: also for tools that count instructions, in a process of its own.
pub(crate) fn run(is_told: bool, runs: u32) -> Result<()> {
    let (plan, dashboard) = (plan(STEPS)?, Dashboard::new());
    let mut engine = Engine::builder().store(MemoryStore::new());
    if is_told {
        engine = engine.observer(dashboard.observer());
    }
    let engine = engine.build()?;
    for run in 0..runs {
        engine.prepare_plan(&plan, Inputs::new())?.key(run.to_string()).run()?;
    }
    Ok(())
}
