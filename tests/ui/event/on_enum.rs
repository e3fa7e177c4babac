//! What `#[event]` stands on.
#![allow(unused)]

use nexus::prelude::*;

#[event]
enum Step {
    A,
}

fn main() {}
