//! R2: an executor that is none.
#![allow(unused)]

use nexus::prelude::*;

#[event(executor = String)]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
