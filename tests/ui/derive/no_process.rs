//! A struct event does something.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step;

fn main() {}
