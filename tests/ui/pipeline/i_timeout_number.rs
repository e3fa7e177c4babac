//! The timeout of a whole run has a unit too.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num, timeout = 300)]
struct P;

fn main() {}
