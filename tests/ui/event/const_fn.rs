//! An event is no constant.
#![allow(unused)]

use nexus::prelude::*;

#[event]
const fn step() -> Outcome<()> {
    panic!()
}

fn main() {}
