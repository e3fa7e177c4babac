//! R3: what an event may return.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step() -> u32 {
    1
}

fn main() {}
