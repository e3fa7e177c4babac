//! What the attribute says.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Descriptor)]
enum Tier {
    #[descriptor(premium)]
    Premium,
}

fn main() {}
