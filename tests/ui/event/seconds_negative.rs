//! R7: a wait is not negative.
#![allow(unused)]

use nexus::prelude::*;

#[event(retry_policy = { backoff_factor: -1.0 })]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
