//! An expression gives a `Duration`.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num, timeout = 4 + 1)]
struct P;

fn main() {}
