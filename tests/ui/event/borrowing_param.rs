//! A field owns its data.
#![allow(unused)]

use nexus::prelude::*;

struct View<'a>(&'a u8);
#[event]
fn step(x: &View<'_>) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
