//! R2: a state cannot go to another process, which must be able to build its own.

use nexus::prelude::*;

pub struct Model;

#[event(executor = ProcessPoolExecutor)]
fn ask(model: State<Model>, ctx: &Context) -> Outcome<u32> {
    let _ = model;
    Outcome::success(ctx.attempt())
}

fn main() {}
