//! A parameter has one concrete type.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step(x: impl Clone) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
