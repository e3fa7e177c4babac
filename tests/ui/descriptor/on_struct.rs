//! Variants name branches.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Descriptor)]
struct Tier;

fn main() {}
