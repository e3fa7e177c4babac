//! An expression gives a `Duration`.
#![allow(unused)]

use nexus::prelude::*;

#[event(timeout = seconds())]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn seconds() -> u64 {
    30
}

fn main() {}
