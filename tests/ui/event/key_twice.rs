//! R2: a key given twice.
#![allow(unused)]

use nexus::prelude::*;

#[event(stop_on_error, executor = DefaultExecutor, stop_on_error = true)]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
