//! `0` is failure.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Descriptor)]
enum Tier {
    #[descriptor(0)]
    Bad,
}

fn main() {}
