//! R5: the member that does not fit a list.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[event]
fn text() -> Outcome<String> {
    Outcome::success(String::new())
}

#[event]
fn nums(#[piped] x: Vec<u32>) -> Outcome<u32> {
    Outcome::success(x[0])
}

#[derive(Pipeline)]
#[pipeline(flow = num || text |-> nums)]
struct P;

fn main() {}
