//! Flows set fields by name.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step(f64);

#[event]
impl Step {
    fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
