//! One field takes the batches.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num)]
struct P {
    #[field(batch_size = 2)]
    rows: Vec<u8>,
    #[field(batch_size = 2)]
    more: Vec<u8>,
}

fn main() {}
