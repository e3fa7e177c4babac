//! `#[event]` stands on the struct's own block.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step;

trait Does {
    fn process(&self) -> Outcome<()>;
}

#[event]
impl Does for Step {
    fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
