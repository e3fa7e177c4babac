//! R3 holds for `process`.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step;

#[event]
impl Step {
    fn process(&self) -> String {
        String::new()
    }
}

fn main() {}
