//! R3: an error is an `Error`.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step() -> Result<u32, u8> {
    Ok(1)
}

fn main() {}
