//! A default of another type.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num)]
struct P {
    #[field(default = 1.5)]
    x: u32,
}

fn main() {}
