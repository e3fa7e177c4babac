//! R2: a key of a group that does not exist.
#![allow(unused)]

use nexus::prelude::*;

#[event(executor_config = { max_worker: 4 })]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
