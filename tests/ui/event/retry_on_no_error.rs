//! Only errors are retried.
#![allow(unused)]

use nexus::prelude::*;

#[event(retry_policy = { retry_on_exceptions: [String] })]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
