//! A program with a `main` of its own: `nexus::init()` is all that its workers need. It starts
//! itself in several roles, some of which die, and looks what became of the workers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects"
)]

#[cfg(target_os = "linux")]
mod roles;

fn main() {
    #[cfg(target_os = "linux")]
    roles::main();
}
