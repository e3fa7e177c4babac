//! An `each` step yields a list.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[event]
fn nums(#[piped] x: Vec<u32>) -> Outcome<u32> {
    Outcome::success(x[0])
}

#[event]
fn take(#[piped] x: u32) -> Outcome<Vec<u32>> {
    Outcome::success(vec![x])
}

#[derive(Pipeline)]
#[pipeline(flow = num || num |-> take[each] |-> nums)]
struct P;

fn main() {}
