//! R2: a piped `&[T]` comes out of a `Vec<T>`.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn boxed() -> Outcome<Box<[u8]>> {
    Outcome::success(Box::new([1]))
}
#[event]
fn bytes(#[piped] bytes: &[u8]) -> Outcome<&'static str> {
    Outcome::success("a")
}
#[event]
fn text(#[piped] text: Option<&str>) -> Outcome<()> {
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = boxed |-> bytes |-> text)]
struct Flow;

fn main() {}
