//! A setting of a field that is misspelt.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num)]
struct P {
    #[field(batchsize = 2)]
    rows: Vec<u8>,
}

fn main() {}
