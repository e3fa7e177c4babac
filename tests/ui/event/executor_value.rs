//! An executor is named by its type.
#![allow(unused)]

use nexus::prelude::*;

#[event(executor = ThreadPoolExecutor::new(4))]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
