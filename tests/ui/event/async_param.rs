//! The parameters are those of other events.
#![allow(unused)]

use nexus::prelude::*;

#[event]
async fn step(name: &mut String) -> Outcome<usize> {
    Outcome::success(name.len())
}

fn main() {}
