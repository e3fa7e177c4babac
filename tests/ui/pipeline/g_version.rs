//! D6: an event has its version wherever it stands, so no flow gives it another.

use nexus::prelude::*;

#[event(version = 2)]
fn charge() -> Outcome<u32> {
    Outcome::success(7)
}

#[derive(Pipeline)]
#[pipeline(flow = charge[version = 3])]
struct Shop {}

fn main() {}
