//! The order of attributes.
#![allow(unused)]

use nexus::prelude::*;

#[event(stop_on_error)]
#[derive(Event)]
struct Step;

#[event]
impl Step {
    fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
