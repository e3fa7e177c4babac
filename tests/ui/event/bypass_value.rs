//! R11: a bypass check is a function.
#![allow(unused)]

use nexus::prelude::*;

#[event(bypass = true)]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
