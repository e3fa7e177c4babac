//! R3: an error can go from thread to thread.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step() -> Result<u32, Box<dyn std::error::Error>> {
    Ok("1".parse()?)
}

fn main() {}
