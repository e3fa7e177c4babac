//! All mistakes at once.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num -> -> num[max_attempts = 0] (0 -> num, 0 -> num))]
struct P;

fn main() {}
