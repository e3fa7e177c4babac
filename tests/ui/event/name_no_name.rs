//! A name that no flow could use.
#![allow(unused)]

use nexus::prelude::*;

#[event(name = "two words")]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
