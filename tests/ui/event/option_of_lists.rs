//! R1: an option lends what is directly in it.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step(x: Option<Vec<&str>>) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
