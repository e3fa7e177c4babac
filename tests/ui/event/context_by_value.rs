//! The context is borrowed.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step(ctx: Context) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
