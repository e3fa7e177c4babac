//! Fields are shared among threads.
#![allow(unused)]

use nexus::prelude::*;

#[event]
fn num() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = num)]
struct P {
    x: std::rc::Rc<u8>,
}

fn main() {}
