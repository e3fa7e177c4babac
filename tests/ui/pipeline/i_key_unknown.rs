//! Keys of `#[pipeline]`.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num, nmae = "x")]
struct Misspelt;

#[derive(Pipeline)]
#[pipeline(flow = num, executor = DefaultExecutor, colour = 7)]
struct OfAnEvent;

#[derive(Pipeline)]
#[pipeline(flow = num, name, file = FLOW, timeout = "1s", timeout = "2s", zone =)]
struct Values;

fn main() {}
