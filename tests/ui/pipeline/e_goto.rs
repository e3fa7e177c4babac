//! R10: a forgotten branch.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Descriptor)]
enum Tier {
    Premium,
    Basic,
}

#[event]
fn sort() -> Tier {
    let _ = Tier::Premium;
    Tier::Basic
}

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = sort (premium -> num))]
struct P;

fn main() {}
