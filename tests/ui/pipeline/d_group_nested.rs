//! R5: the member of a group in a group.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[event]
fn nest(#[piped] x: ((u32, String), u32)) -> Outcome<u32> {
    Outcome::success(x.1)
}

#[derive(Pipeline)]
#[pipeline(flow = {num || num} || num |-> nest)]
struct P;

fn main() {}
