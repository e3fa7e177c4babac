//! D4: a flow that has an outcome recorded needs a value that can be written, whatever the event says.

use nexus::prelude::*;

pub struct Parsed;

#[event(checkpoint = false)]
fn parse() -> Outcome<Parsed> {
    Outcome::success(Parsed)
}

#[derive(Pipeline)]
#[pipeline(durable, flow = parse -> {parse}[checkpoint])]
struct Import {}

fn main() {}
