//! R2: a value of the wrong type in a group.
#![allow(unused)]

use nexus::prelude::*;

#[event(executor_config = { max_workers: "4" })]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
