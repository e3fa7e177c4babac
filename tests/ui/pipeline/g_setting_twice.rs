//! R2: a setting given twice in a flow.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[event]
fn take(#[piped] x: u32) -> Outcome<Vec<u32>> {
    Outcome::success(vec![x])
}

#[derive(Pipeline)]
#[pipeline(flow = num || num |-> take[each, each])]
struct P;

fn main() {}
