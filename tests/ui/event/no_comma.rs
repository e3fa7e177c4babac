//! Keys are separated.
#![allow(unused)]

use nexus::prelude::*;

#[event(stop_on_error = true stop_on_success)]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
