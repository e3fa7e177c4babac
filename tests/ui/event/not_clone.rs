//! A field by value is cloned.
#![allow(unused)]

use nexus::prelude::*;

struct Order;
#[event]
fn step(order: Order) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
