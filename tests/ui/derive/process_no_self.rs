//! `process` is called on the event.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step;

#[event]
impl Step {
    fn process() -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
