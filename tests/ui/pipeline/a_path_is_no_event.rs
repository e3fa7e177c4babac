//! R2: a name that is no event.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num -> std::string::String[each] (0 -> num))]
struct P;

fn main() {}
