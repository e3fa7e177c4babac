//! A field that must be set.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Scale {
    factor: f64,
    #[field(default)]
    times: u32,
}
#[event]
impl Scale {
    fn process(&self) -> Outcome<f64> {
        Outcome::success(self.factor * f64::from(self.times))
    }
}

#[derive(Pipeline)]
#[pipeline(flow = Scale[times = 2])]
struct P;

fn main() {}
