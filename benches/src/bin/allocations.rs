//! How often a step of the chain allocates: a program of its own, since counting slows allocation.

use std::process::ExitCode;

use nexus::prelude::*;

use nexus_bench::chain;
use nexus_bench::measure::{Comparison, Side};

/// Counts what `work` allocates, on this thread.
fn counted<T>(work: impl FnOnce() -> T) -> f64 {
    let mut result = None;
    let counts = allocation_counter::measure(|| result = Some(std::hint::black_box(work())));
    drop(result);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let each = counts.count_total as f64 / chain::STEPS as f64;
    each
}

fn per_step() -> Comparison {
    let engine = Engine::new();
    let plan = chain::plan();
    let nexus: Side<'_> = Box::new(|| counted(|| chain::run_once(&engine, &plan)));
    let boxes: Side<'_> = Box::new(|| {
        counted(|| {
            (0..chain::STEPS as u64)
                .map(|n| Box::new(n) as Box<dyn std::any::Any>)
                .collect::<Vec<_>>()
        })
    });
    Comparison::of("allocs_per_step", "allocations/step", nexus, vec![("box_dyn_any_each", boxes)])
}

fn main() -> ExitCode {
    let comparison = per_step();
    if std::env::args().nth(1).as_deref() != Some("--json") {
        println!("{comparison}");
        return ExitCode::SUCCESS;
    }
    match comparison.json() {
        Ok(line) => println!("{line}"),
        Err(error) => chain::fail(&error),
    }
    ExitCode::SUCCESS
}
