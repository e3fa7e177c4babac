//! A typo.
#![allow(unused)]

use nexus::prelude::*;

#[event(timeot = "30s")]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
