//! Input is shared.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step(x: &mut u32) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
