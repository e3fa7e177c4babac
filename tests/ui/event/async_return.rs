//! An async event says how it ended, as others do.
#![allow(unused)]

use nexus::prelude::*;

#[event]
async fn step() -> u32 {
    1
}

fn main() {}
