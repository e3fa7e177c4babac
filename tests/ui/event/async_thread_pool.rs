//! Threads of a pool run plain functions.
#![allow(unused)]

use nexus::prelude::*;

#[event(executor = ThreadPoolExecutor)]
async fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
