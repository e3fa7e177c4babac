//! The command line of a benchmark.

use std::process::ExitCode;

use crate::measure::{self, Comparison};
use crate::{Growth, Workload};

/// `[--json] [--rounds N] [--growth] [WORKLOAD]`: measures the one workload, or all of them, or all
/// growth tables; each in at most so many rounds.
pub fn command(program: &str, workloads: &[Workload], growth: &[Growth]) -> ExitCode {
    let names = workloads.iter().map(|row| row.0).chain(growth.iter().map(|row| row.0));
    let names: Vec<&str> = names.collect();
    let (mut json, mut grows, mut wanted) = (false, false, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => json = true,
            "--rounds" => {
                let Some(most) = arguments.next().and_then(|word| word.parse().ok()) else {
                    eprintln!("`--rounds` takes a number from 1 up");
                    return ExitCode::from(2);
                };
                measure::limit_rounds(most);
            }
            "--growth" if !growth.is_empty() => grows = true,
            "--help" | "-h" => {
                let growth = if growth.is_empty() { "" } else { " [--growth]" };
                let names = names.join(", ");
                println!(
                    "usage: {program} [--json] [--rounds N]{growth} [WORKLOAD]\n\nWORKLOAD: {names}"
                );
                return ExitCode::SUCCESS;
            }
            name if names.contains(&name) => wanted = Some(argument),
            other => {
                eprintln!(
                    "unknown argument `{other}`; there are --json, --rounds and {}",
                    names.join(", ")
                );
                return ExitCode::from(2);
            }
        }
    }
    for (name, workload) in workloads {
        if wanted.as_ref().map_or(!grows, |wanted| wanted == name) {
            print(&workload(), json);
        }
    }
    for (name, sizes, measure) in growth {
        if wanted.as_ref().map_or(grows, |wanted| wanted == name) {
            sizes.iter().for_each(|size| print(&measure(*size), json));
        }
    }
    ExitCode::SUCCESS
}

fn print(comparison: &Comparison, json: bool) {
    if !json {
        println!("{comparison}");
        return;
    }
    match comparison.json() {
        Ok(line) => println!("{line}"),
        Err(error) => eprintln!("{error}"),
    }
}
