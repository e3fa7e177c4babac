//! A batch size has a value.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num)]
struct P {
    #[field(batch_size)]
    rows: Vec<u8>,
}

fn main() {}
