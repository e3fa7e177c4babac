//! What an event yields outlives it.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step(x: &String) -> Outcome<&str> {
    Outcome::success(x)
}

fn main() {}
