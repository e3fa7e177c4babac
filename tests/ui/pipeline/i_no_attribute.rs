//! A pipeline has a flow.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Pipeline)]
struct P {
    order: u32,
}

fn main() {}
