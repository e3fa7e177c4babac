//! R2: an executor that does not exist.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num[executor = ThreadPolExecutor])]
struct P;

fn main() {}
