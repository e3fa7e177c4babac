//! Benchmarks of nexus beside hand-written baselines, measured in turn in the same process, so
//! that their ratios hold on a shared and noisy machine.
//!
//! `cargo run --release -p nexus-bench` prints a table, `-- --json` one JSON line a workload:
//! `{"work", "unit", "nexus", "baselines": {name: value}, "ratio": {name: value}, "runs"}`. All
//! values are medians over `runs`; a ratio is the median of nexus / baseline, pair by pair.

mod allocations;
mod asynchronous;
mod chain;
mod fanout;
mod measure;
mod plan;
mod process;
mod python;

use std::process::ExitCode;

use measure::Comparison;

fn main() -> ExitCode {
    nexus::init();
    if std::env::args().nth(1).as_deref() == Some(process::ECHO) {
        return process::echo();
    }
    let mut json = false;
    let mut wanted = None;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--json" => json = true,
            "--help" | "-h" => {
                println!("usage: nexus-bench [--json] [WORKLOAD]\n\nWORKLOAD: {}", names());
                return ExitCode::SUCCESS;
            }
            name if WORKLOADS.iter().any(|(work, _)| *work == name) => wanted = Some(argument),
            other => {
                eprintln!("unknown argument `{other}`; there are --json and {}", names());
                return ExitCode::from(2);
            }
        }
    }
    for (name, workload) in WORKLOADS {
        if wanted.as_ref().is_none_or(|wanted| wanted == name) {
            let comparison = workload();
            if json {
                match comparison.json() {
                    Ok(line) => println!("{line}"),
                    Err(error) => eprintln!("{name}: {error}"),
                }
            } else {
                println!("{comparison}");
            }
        }
    }
    ExitCode::SUCCESS
}

type Workload = (&'static str, fn() -> Comparison);

const WORKLOADS: &[Workload] = &[
    ("chain_inline", chain::inline),
    ("chain_inline_timed", chain::inline_timed),
    ("fanout_pool", fanout::pool),
    ("process_roundtrip", process::roundtrip),
    ("process_pipelined", process::pipelined),
    ("async_chain", asynchronous::chain),
    ("async_fanout", asynchronous::fanout),
    ("plan_build", plan::build),
    ("allocs_per_step", allocations::per_step),
];

fn names() -> String {
    WORKLOADS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}
