//! `nexus::cli` in a real process: this binary is `examples/cli.rs` when it is told so, and tests
//! that program otherwise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects"
)]

#[path = "../../examples/cli.rs"]
mod example;
mod shop;
mod tests;

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::var_os(shop::ROLE).is_some() {
        return example::main();
    }
    let only = std::env::args().nth(1).filter(|it| !it.starts_with('-'));
    for (name, test) in tests::ALL {
        if only.as_deref().is_none_or(|only| name.contains(only)) {
            println!("{name}");
            test();
        }
    }
    ExitCode::SUCCESS
}
