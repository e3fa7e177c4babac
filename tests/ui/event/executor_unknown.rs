//! An executor that does not exist.
#![allow(unused)]

use nexus::prelude::*;

#[event(executor = ThreadPolExecutor, executor_config = { max_workers: 2 })]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

fn main() {}
