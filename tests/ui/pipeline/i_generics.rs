//! A pipeline has one concrete type.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num)]
struct P<T> {
    x: T,
}

fn main() {}
