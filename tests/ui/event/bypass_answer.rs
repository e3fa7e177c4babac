//! R11: what a bypass check answers.
#![allow(unused)]

use nexus::prelude::*;

fn skip(_: &Context) -> bool {
    true
}
#[event(bypass = skip)]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
