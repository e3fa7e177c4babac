//! A parameter takes `#[piped]` only.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step(#[pipe] x: u8) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
