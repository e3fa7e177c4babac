//! There are three kinds of jitter.
#![allow(unused)]

use nexus::prelude::*;

#[event(retry_policy = { jitter: ful })]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
