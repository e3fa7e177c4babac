//! Brackets have settings, and no fields.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = {num -> num}[factor = 2])]
struct P;

fn main() {}
