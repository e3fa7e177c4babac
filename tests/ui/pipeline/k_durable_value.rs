//! `durable` is a flag, and a flag that is spelled wrong is told its name.

use nexus::prelude::*;

#[event]
fn charge() -> Outcome<u32> {
    Outcome::success(7)
}

#[derive(Pipeline)]
#[pipeline(flow = charge, durable = "yes")]
struct Text {}

#[derive(Pipeline)]
#[pipeline(durabel, flow = charge)]
struct Typo {}

#[derive(Pipeline)]
#[pipeline(durable, flow = charge, durable)]
struct Twice {}

fn main() {}
