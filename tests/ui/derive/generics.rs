//! An event has one concrete type.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step<T>(T);

fn main() {}
