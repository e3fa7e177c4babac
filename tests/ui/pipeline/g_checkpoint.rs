//! D4: `checkpoint` is a flag, in a flow as in an attribute.

use nexus::prelude::*;

#[event]
fn parse() -> Outcome<u32> {
    Outcome::success(7)
}

#[derive(Pipeline)]
#[pipeline(flow = parse[checkpoint = fals] -> parse[chekpoint])]
struct Import {}

fn main() {}
