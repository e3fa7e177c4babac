//! A state is a shared pointer.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step(gateway: &State<u8>) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
