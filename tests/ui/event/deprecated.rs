//! A deprecated event is named where it is used, and only there.

#![deny(deprecated)]

use nexus::prelude::*;

#[deprecated(note = "use `charge`")]
#[event]
fn pay() -> Outcome<()> {
    Outcome::success(())
}

#[event]
#[deprecated(note = "use `charge`")]
fn pay_later() -> Outcome<()> {
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = pay -> pay_later)]
struct P;

fn main() {}
