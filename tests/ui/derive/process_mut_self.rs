//! An event is shared.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step;

#[event]
impl Step {
    fn process(&mut self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
