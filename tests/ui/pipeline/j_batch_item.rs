//! The input holds what the field holds.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num)]
struct P {
    #[field(default, batch_size = 2)]
    rows: Vec<u8>,
}

fn main() {
    let _ = Batch::of(P::new()).over(["one"]);
}
