//! One mistake, one error: what is no executor runs nothing.
#![allow(unused)]

use nexus::prelude::*;

#[event(executor = String)]
async fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
