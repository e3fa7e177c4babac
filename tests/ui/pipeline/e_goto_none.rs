//! R10: no branches at all.
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
#[pipeline(flow = sort -> num)]
struct P;

fn main() {}
