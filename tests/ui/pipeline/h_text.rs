//! A mistake in a text has its line and column.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = "num
    -> -> num")]
struct P;

fn main() {}
