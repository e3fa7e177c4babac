//! R2: a name that is no event.
#![allow(unused)]

use nexus::prelude::*;

struct Order;

#[event]
fn validate(order: &Order) -> Outcome<()> {
    let _ = order;
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = validate -> vlaidate)]
struct P {
    order: Order,
}

fn main() {}
