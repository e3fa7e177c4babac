//! R1: a value's type has a size.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn text(x: str) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
