//! R2: what an event in another process takes must be able to go there.

use nexus::prelude::*;

pub struct Order {
    pub total: u32,
}

#[event(executor = ProcessPoolExecutor)]
fn charge(currency: &String, order: &Order) -> Outcome<u32> {
    Outcome::success(order.total + currency.len() as u32)
}

fn main() {}
