//! An error type that is none.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num[retry_policy = { retry_on_exceptions: [String] }])]
struct P;

fn main() {}
