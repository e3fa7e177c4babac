//! One value comes along.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step(#[piped] x: u8, #[piped] y: u8) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
