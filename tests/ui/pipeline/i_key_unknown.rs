//! Keys of `#[pipeline]`.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num, nmae = "x")]
struct P;

fn main() {}
