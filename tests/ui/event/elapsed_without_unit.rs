//! A duration has a unit.
#![allow(unused)]

use nexus::prelude::*;

#[event(retry_policy = { max_elapsed: "30" })]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
