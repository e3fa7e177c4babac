//! R2: the first event takes a value.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn take(#[piped] x: u32) -> Outcome<Vec<u32>> {
    Outcome::success(vec![x])
}

#[derive(Pipeline)]
#[pipeline(flow = take)]
struct P;

fn main() {}
