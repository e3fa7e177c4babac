//! A timeout has a unit.
#![allow(unused)]

use nexus::prelude::*;

#[event(timeout = 30)]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
