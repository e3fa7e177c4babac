//! R3: an error is an `Error`.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step() -> Result<Outcome<u32>, u8> {
    Ok(Outcome::success(1))
}

fn main() {}
