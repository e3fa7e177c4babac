//! A field is bound by name.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step((a, b): (u8, u8)) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
