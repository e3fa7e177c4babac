//! A name that no flow could use.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Descriptor)]
enum Tier {
    #[descriptor(name = "a b")]
    Ab,
}

fn main() {}
