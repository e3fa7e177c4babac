//! A key that is called otherwise here.
#![allow(unused)]

use nexus::prelude::*;

#[event(retries = 3)]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
