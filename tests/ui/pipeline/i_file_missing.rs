//! A file that is not there.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(file = "/no/such.pty")]
struct P;

fn main() {}
