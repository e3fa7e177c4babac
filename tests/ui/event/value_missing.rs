//! A key that needs a value.
#![allow(unused)]

use nexus::prelude::*;

#[event(executor)]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
