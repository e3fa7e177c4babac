//! Fields are shared among threads: each that cannot be is one error.
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
    y: std::sync::Arc<std::cell::Cell<u8>>,
}

fn main() {
    let report = P { x: 1.into(), y: std::sync::Arc::default() }.run();
}
