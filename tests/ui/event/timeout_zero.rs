//! No attempt ends in no time.
#![allow(unused)]

use nexus::prelude::*;

#[event(timeout = "0s")]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
