//! Threads of a pool run plain functions.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
#[event(executor = ThreadPoolExecutor)]
struct Step {}

#[event]
impl Step {
    async fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
