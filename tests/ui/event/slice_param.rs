//! A field is no slice.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step(x: &[u8]) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
