//! The driving thread runs plain functions.
#![allow(unused)]

use nexus::prelude::*;

#[event(executor = DefaultExecutor)]
async fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
