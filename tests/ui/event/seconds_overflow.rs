//! R7: a wait is finite.
#![allow(unused)]

use nexus::prelude::*;

#[event(retry_policy = { max_backoff: 1e300 })]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
