//! An event is a struct.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
enum Step {
    A,
}

fn main() {}
