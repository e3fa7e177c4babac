//! R2: a field of the wrong type.
#![allow(unused)]

use nexus::prelude::*;

struct Order;

#[event]
fn validate(order: &Order) -> Outcome<()> {
    let _ = order;
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = validate)]
struct P {
    order: u32,
}

fn main() {}
