//! An event says how it ended.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step() {}

fn main() {}
