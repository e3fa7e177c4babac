//! R3: an event made of a closure cannot return just anything.
#![allow(unused)]

use nexus::prelude::*;

fn main() {
    let mut registry = Registry::new();
    registry.event("bare", |_: &Context| 7_u32);
}
