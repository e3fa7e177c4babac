//! R2: keys of a struct event.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
#[event(stop_on_eror)]
struct Step;

#[event]
impl Step {
    fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
