//! R8: there are four states.
#![allow(unused)]

use nexus::prelude::*;

#[event(execution_evaluation_state = SuccessForPartialSucces)]
fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
