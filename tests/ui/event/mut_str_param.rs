//! R1: what a parameter borrows is shared, in an option too.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn text(x: &mut str) -> Outcome<()> {
    Outcome::success(())
}
#[event]
fn piped(#[piped] x: &mut [u8]) -> Outcome<()> {
    Outcome::success(())
}
#[event]
fn option(x: Option<&mut u8>) -> Outcome<()> {
    Outcome::success(())
}
#[event]
fn piped_option(#[piped] x: Option<&mut u8>) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
