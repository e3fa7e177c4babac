//! A pipeline without a batch size has no batches, which is one error.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num)]
struct P {
    rows: Vec<u8>,
}

fn main() {
    let summary = Batch::of(P { rows: vec![1] }).in_flight(2).run();
}
