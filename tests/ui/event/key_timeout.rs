//! Timeouts come later.
#![allow(unused)]

use nexus::prelude::*;

#[event(timeout = "30s")]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
