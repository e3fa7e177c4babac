//! Settings stand on the struct.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step;

#[event(stop_on_error)]
impl Step {
    fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
