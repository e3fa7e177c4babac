//! R2: a name that is no event.
#![allow(unused)]

use nexus::prelude::*;

struct Order;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num |-> Order -> num)]
struct P;

fn main() {}
