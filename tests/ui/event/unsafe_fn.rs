//! Nexus can promise nothing.
#![allow(unused)]

use nexus::prelude::*;

#[event]
unsafe fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
