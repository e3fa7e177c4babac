//! R2: a key that does not exist.
#![allow(unused)]

use nexus::prelude::*;

#[event(retry_polcy = NETWORK)]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
