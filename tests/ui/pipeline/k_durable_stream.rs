//! D7: a stream is gone once it is read, so a store cannot keep it.

use nexus::prelude::*;

#[event]
fn rows() -> Outcome<Items<u32>> {
    Outcome::success(Items::new(0..3))
}

#[event]
fn load(#[piped] row: u32) -> Outcome<u32> {
    Outcome::success(row)
}

#[derive(Pipeline)]
#[pipeline(durable, flow = rows |-> load[each])]
struct Import {}

fn main() {}
