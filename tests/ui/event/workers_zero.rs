//! R2: nothing would ever run.
#![allow(unused)]

use nexus::prelude::*;

#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 0 })]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
