//! The path of an event has no generic arguments.

use nexus::prelude::*;

#[event]
fn takes() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = takes -> takes::<u32>)]
struct P;

fn main() {}
