//! A bypass check of a closure's event gives a value of the type that the event yields.
#![allow(unused)]

use nexus::prelude::*;

fn main() {
    let mut registry = Registry::new();
    registry
        .event("fetch", |_: &Context| Outcome::success(7_u32))
        .bypass(|_| Bypass::skip_with("cached", "six"));
}
