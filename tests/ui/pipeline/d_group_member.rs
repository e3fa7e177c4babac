//! R5: the member that does not fit.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[event]
fn both(#[piped] x: (u32, String)) -> Outcome<u32> {
    Outcome::success(x.0)
}

#[derive(Pipeline)]
#[pipeline(flow = num || num |-> both)]
struct P;

fn main() {}
