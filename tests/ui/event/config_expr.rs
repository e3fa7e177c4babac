//! An expression of another type.
#![allow(unused)]

use nexus::prelude::*;

#[event(executor_config = ThreadPoolExecutor)]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
