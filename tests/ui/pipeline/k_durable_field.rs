//! D7: a store keeps a durable pipeline's fields, so each must be one that can be written and read.

use std::sync::Arc;

use nexus::prelude::*;

pub struct Order;

#[event]
fn charge() -> Outcome<u32> {
    Outcome::success(7)
}

#[derive(Pipeline)]
#[pipeline(durable, flow = charge)]
struct Shop {
    id: u64,
    order: Order,
    shared: Arc<Vec<Order>>,
    name: &'static str,
    rows: Items<u32>,
}

fn main() {}
