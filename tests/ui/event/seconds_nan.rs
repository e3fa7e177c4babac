//! R7: a wait is a number.
#![allow(unused)]

use nexus::prelude::*;

#[event(retry_policy = { max_backoff: f64::NAN })]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
