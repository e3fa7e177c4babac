//! The fields beside the batch are the same for all runs.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

struct Socket;

#[derive(Pipeline)]
#[pipeline(flow = num)]
struct P {
    #[field(batch_size = 2)]
    rows: Vec<u8>,
    socket: Socket,
}

fn main() {}
