//! R2: a function has no fields.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num[max_atempts = 3])]
struct P;

fn main() {}
