//! The block has no `process`.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step;

#[event]
impl Step {
    fn run(&self) {}
}

fn main() {}
