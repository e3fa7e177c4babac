//! R5: as many values as members.
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
fn both(#[piped] x: (u32, String)) -> Outcome<u32> {
    Outcome::success(x.0)
}

#[derive(Pipeline)]
#[pipeline(flow = num || text || num |-> both)]
struct P;

fn main() {}
