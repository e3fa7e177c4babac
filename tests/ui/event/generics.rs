//! An event has one concrete type.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step<T>(x: T) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
