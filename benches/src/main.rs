//! `nexus-bench [--json] [WORKLOAD]`; see the library.

use std::process::ExitCode;

use nexus_bench::{ECHO, WORKLOADS, echo};

fn main() -> ExitCode {
    nexus::init();
    if std::env::args().nth(1).as_deref() == Some(ECHO) {
        return echo();
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

fn names() -> String {
    WORKLOADS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}
