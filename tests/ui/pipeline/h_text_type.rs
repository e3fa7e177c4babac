//! A type in a text.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn text() -> Outcome<String> {
    Outcome::success(String::new())
}

#[event]
fn take(#[piped] x: u32) -> Outcome<Vec<u32>> {
    Outcome::success(vec![x])
}

#[derive(Pipeline)]
#[pipeline(flow = "text
    |-> take")]
struct P;

fn main() {}
