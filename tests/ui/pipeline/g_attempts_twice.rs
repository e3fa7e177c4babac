//! R7: the number of attempts is given once.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num[max_attempts = 2] * 3)]
struct P;

fn main() {}
