//! R7: an event that never runs.
#![allow(unused)]

use nexus::prelude::*;

#[event(retry_policy = { max_attempts: 0 })]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
