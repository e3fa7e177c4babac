//! A batch size is a number that the macro can read.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

const SIZE: usize = 10;

#[derive(Pipeline)]
#[pipeline(flow = num)]
struct P {
    #[field(batch_size = SIZE)]
    rows: Vec<u8>,
}

fn main() {}
