//! R2: what is piped to an event in another process must be able to go there, also inside a tuple;
//! the executor may have another name.

use nexus::prelude::*;

#[derive(Clone)]
pub struct Order;

type Workers = ProcessPoolExecutor;

#[event(executor = Workers)]
fn charge(#[piped] orders: (u32, Result<&Order, Failure>)) -> Outcome<u32> {
    Outcome::success(orders.0)
}

fn main() {}
