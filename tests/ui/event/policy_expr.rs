//! An expression that is no policy.
#![allow(unused)]

use nexus::prelude::*;

#[event(retry_policy = 3.max(4))]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
