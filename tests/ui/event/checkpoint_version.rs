//! D4 and D6: what an event says of durable runs is checked as its other settings are.

use nexus::prelude::*;

#[event(checkpoint = 1, version = 0)]
fn wrong_values() -> Outcome<()> {
    Outcome::success(())
}

#[event(record = false, verson = 2)]
fn wrong_names() -> Outcome<()> {
    Outcome::success(())
}

#[event(version)]
fn no_value() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
