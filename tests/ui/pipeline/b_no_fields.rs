//! R2: a parameter that is no field, used twice.
#![allow(unused)]

use nexus::prelude::*;

struct Order;

#[event]
fn validate(order: &Order) -> Outcome<()> {
    let _ = order;
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = validate -> validate)]
struct P;

fn main() {}
