//! R11: a struct event decides in its block.
#![allow(unused)]

use nexus::prelude::*;

fn skip(_: &Context) -> Bypass<()> {
    Bypass::no()
}

#[derive(Event)]
#[event(bypass = skip)]
struct Step;

#[event]
impl Step {
    fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
