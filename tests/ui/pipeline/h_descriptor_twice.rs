//! R2: the same descriptor twice.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num (0 -> num, 0 -> num))]
struct P;

fn main() {}
