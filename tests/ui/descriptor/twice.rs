//! R2: the same descriptor twice.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Descriptor)]
enum Tier {
    Premium,
    #[descriptor(name = "premium")]
    Paid,
}

fn main() {}
