//! An event derives `Event`.
#![allow(unused)]

use nexus::prelude::*;

struct Step;

#[event]
impl Step {
    fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
