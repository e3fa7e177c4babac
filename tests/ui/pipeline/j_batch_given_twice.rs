//! A batch size is given once.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num)]
struct P {
    #[field(batch_size = 2, batch_size = 3)]
    rows: Vec<u8>,
}

fn main() {}
