//! R2: a `|->` to an event that takes nothing.
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

#[derive(Pipeline)]
#[pipeline(flow = num |-> text)]
struct P;

fn main() {}
