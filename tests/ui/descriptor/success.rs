//! `1` is success.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Descriptor)]
enum Tier {
    #[descriptor(1)]
    Good,
}

fn main() {}
