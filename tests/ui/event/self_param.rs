//! A function has no `self`.
#![allow(unused)]

use nexus::prelude::*;

struct S;
impl S {
    #[event]
    fn step(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

fn main() {}
