//! R2: a plain function would block the runtime's threads.
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
#[pipeline(flow = load -> num[executor = AsyncExecutor])]
struct P;

fn main() {}
