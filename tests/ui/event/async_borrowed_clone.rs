//! By value is cloned.
#![allow(unused)]

use nexus::prelude::*;

struct Token;

#[event]
async fn step(token: Token) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
