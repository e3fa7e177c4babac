//! A predicate names its error.
#![allow(unused)]

use nexus::prelude::*;

#[event(retry_policy = { retry_if: |e| true })]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
