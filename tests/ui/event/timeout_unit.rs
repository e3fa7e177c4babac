//! A unit that there is not.
#![allow(unused)]

use nexus::prelude::*;

#[event(timeout = "5 minuts")]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
