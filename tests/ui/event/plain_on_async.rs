//! A plain function would block the runtime's threads.
#![allow(unused)]

use nexus::prelude::*;

#[event(executor = AsyncExecutor)]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
