//! `#[field]` has one key.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step {
    #[field(defualt = 1)]
    n: u32,
}

#[event]
impl Step {
    fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
