//! The impl block is marked.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step;

impl Step {
    fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
