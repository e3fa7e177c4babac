//! A field is no `str`.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step(x: &str) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
