//! `nexus::cli` in a real process: this binary is `examples/cli.rs` when it is told so, and tests
//! that program otherwise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects"
)]

#[cfg(all(feature = "restate", unix))]
mod cluster;
#[cfg(feature = "dashboard")]
mod dashboard;
mod durable;
#[path = "../../examples/cli.rs"]
mod example;
mod schedules;
mod schema;
mod service;
mod shop;
#[cfg(unix)]
mod terminal;
mod tests;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::var(shop::ROLE).as_deref() {
        Ok(service::DURABLE) => return service::main(),
        Ok(_) => return example::main(),
        Err(_) => {}
    }
    let only = std::env::args().nth(1).filter(|it| !it.starts_with('-'));
    #[cfg(all(feature = "restate", unix))]
    let cluster = cluster::ALL;
    #[cfg(not(all(feature = "restate", unix)))]
    let cluster: &[(&str, fn())] = &[];
    #[cfg(all(feature = "restate", unix))]
    if only.as_deref() == Some(cluster::SERVERS) {
        for (name, test) in cluster::WITH_SERVERS {
            println!("{name}");
            test();
        }
        return ExitCode::SUCCESS;
    }
    let all = tests::ALL.iter().chain(durable::ALL).chain(schedules::ALL).chain(cluster);
    #[cfg(feature = "dashboard")]
    let all = all.chain(dashboard::ALL);
    #[cfg(unix)]
    let all = all.chain(terminal::ALL);
    for (name, test) in all {
        if only.as_deref().is_none_or(|only| name.contains(only)) {
            println!("{name}");
            test();
        }
    }
    ExitCode::SUCCESS
}
