//! A plain function would block the runtime's threads.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
#[event(executor = AsyncExecutor)]
struct Step {}

#[event]
impl Step {
    fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
