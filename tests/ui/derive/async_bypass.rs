//! A bypass check is a plain function.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step {}

#[event]
impl Step {
    async fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
    async fn can_bypass_current_event(&self) -> Bypass<()> {
        Bypass::no()
    }
}

fn main() {}
