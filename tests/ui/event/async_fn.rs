//! Async events come later.
#![allow(unused)]

use nexus::prelude::*;

#[event]
async fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
