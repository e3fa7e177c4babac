//! R2: types are compared, not names.
#![allow(unused)]

use nexus::prelude::*;

struct Order;

#[event]
fn validate(order: &Order) -> Outcome<()> {
    let _ = order;
    Outcome::success(())
}
mod other {
    pub struct Order;
}

#[derive(Pipeline)]
#[pipeline(flow = validate)]
struct P {
    order: other::Order,
}

fn main() {}
