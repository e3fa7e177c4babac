//! An event is a Rust function.
#![allow(unused)]

use nexus::prelude::*;

#[event]
extern "C" fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
