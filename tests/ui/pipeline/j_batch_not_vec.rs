//! The field of the batches is a `Vec`.
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
    rows: std::collections::VecDeque<u8>,
}

fn main() {}
