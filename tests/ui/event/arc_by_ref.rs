//! `Arc<T>` shares the field `T`.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn step(x: &std::sync::Arc<u8>) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
