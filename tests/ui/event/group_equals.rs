//! Groups have colons.
#![allow(unused)]

use nexus::prelude::*;

#[event(retry_policy = { max_attempts = 3 })]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
