//! R2: a value of the wrong type.
#![allow(unused)]

use nexus::prelude::*;

#[event(stop_on_error = "yes")]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
