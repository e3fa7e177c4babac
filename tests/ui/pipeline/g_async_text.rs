//! R2: the same in a text.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}
#[event]
async fn load() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = "num -> load[executor = DefaultExecutor]")]
struct P;

fn main() {}
