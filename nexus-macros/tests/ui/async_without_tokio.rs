//! An async event where nexus leaves tokio out.
#![allow(unused)]

use nexus::prelude::*;

#[event]
async fn step(name: &String) -> Outcome<usize> {
    Outcome::success(name.len())
}

#[derive(Event)]
struct Step {}

#[event]
impl Step {
    async fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

#[derive(Pipeline)]
#[pipeline(flow = step -> Step)]
struct P {
    name: String,
}

fn main() {}
