//! R11: what the check answers.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step;

#[event]
impl Step {
    fn process(&self) -> Outcome<u8> {
        Outcome::success(1)
    }
    fn can_bypass_current_event(&self, _ctx: &Context) -> Bypass<String> {
        Bypass::no()
    }
}

fn main() {}
