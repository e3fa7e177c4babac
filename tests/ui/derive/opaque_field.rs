//! A field that no flow can set has a default.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step {
    at: std::time::Instant,
}

#[event]
impl Step {
    fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
