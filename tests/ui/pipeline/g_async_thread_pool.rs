//! R2: threads of a pool run plain functions.
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
#[pipeline(flow = num -> load[executor = ThreadPoolExecutor])]
struct P;

fn main() {}
