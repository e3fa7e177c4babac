//! `nexus-bench [--json] [--growth] [WORKLOAD]`; see the library.

use std::process::ExitCode;

use nexus_bench::{ECHO, GROWTH, WORKLOADS, command, echo};

fn main() -> ExitCode {
    nexus::init();
    if std::env::args().nth(1).as_deref() == Some(ECHO) {
        return echo();
    }
    command("nexus-bench", WORKLOADS, GROWTH)
}
