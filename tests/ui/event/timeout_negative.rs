//! Time does not run backwards.
#![allow(unused)]

use nexus::prelude::*;

#[event(timeout = "-5s")]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
