//! A crate that calls nexus otherwise.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations)]

use nexus_core as nx;
use nexus_core::{Outcome, Pipeline as _};
use nexus_macros::{Descriptor, Event, Pipeline, event};

/// One.
#[event(crate = nx)]
pub fn one(order: &u32) -> Outcome<u32> {
    Outcome::success(*order)
}

/// Own.
#[derive(Event, Debug)]
#[event(crate = nx, executor = nx::DefaultExecutor)]
pub struct Own {
    factor: f64,
}

#[event(crate = nx)]
impl Own {
    /// Does.
    pub fn process(&self, #[piped] x: u32) -> Outcome<Tier> {
        Outcome::success(if self.factor > f64::from(x) { Tier::Premium } else { Tier::Basic })
    }
}

/// A tier.
#[derive(Descriptor, Debug)]
#[descriptor(crate = nx)]
pub enum Tier {
    /// Paid.
    Premium,
    /// Free.
    Basic,
}

/// P.
#[derive(Pipeline, Debug)]
#[pipeline(crate = nx, flow = one |-> Own[factor = 1.0] (premium -> one, basic -> one))]
pub struct P {
    order: u32,
}

pub(crate) fn main() {
    assert!(P { order: 1 }.run().is_ok());
}
