//! Runs one workload for callgrind, which counts the instructions of [`counted_runs`]; without an
//! argument, says which there are and how many parts are counted. See `ci/instructions.sh`.

use std::hint::black_box;
use std::process::ExitCode;

use nexus::prelude::*;
use nexus_bench::chain::fail;
use nexus_bench::{Counted, counted};

/// As many runs as make the numbers of a few single instructions vanish.
const RUNS: usize = 50;

/// Callgrind is told to count in this function alone.
#[inline(never)]
fn counted_runs(engine: &Engine, workload: &Counted) {
    for _ in 0..RUNS {
        run(engine, workload);
    }
}

fn run(engine: &Engine, workload: &Counted) {
    let report = engine.run_plan(&workload.plan, (workload.inputs)());
    black_box(report.unwrap_or_else(|error| fail(&error)));
}

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1);
    let workloads = counted();
    let Some(wanted) = wanted else {
        for workload in workloads {
            println!("{} {}", workload.name, workload.parts * RUNS);
        }
        return ExitCode::SUCCESS;
    };
    let Some(workload) = workloads.into_iter().find(|workload| workload.name == wanted) else {
        eprintln!("there is no workload `{wanted}`");
        return ExitCode::from(2);
    };
    let engine = workload.engine();
    // What is done once in a program, such as calibrating the clock, is not counted.
    (0..3).for_each(|_| run(&engine, &workload));
    counted_runs(&engine, &workload);
    ExitCode::SUCCESS
}
