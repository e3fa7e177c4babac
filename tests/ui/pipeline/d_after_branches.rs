//! R5: what a branch yields goes on.
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
fn take(#[piped] x: u32) -> Outcome<Vec<u32>> {
    Outcome::success(vec![x])
}

#[derive(Pipeline)]
#[pipeline(flow = num (0 -> text) |-> take)]
struct P;

fn main() {}
