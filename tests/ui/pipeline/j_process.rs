//! R2: an event that a flow sends to another process must be able to go there.

use nexus::prelude::*;

#[derive(Clone)]
pub struct Image;

#[event]
fn load() -> Outcome<Image> {
    Outcome::success(Image)
}

#[derive(Pipeline)]
#[pipeline(flow = load[executor = ProcessPoolExecutor])]
struct Direct {}

#[event]
fn show(#[piped] image: &Image) -> Outcome<()> {
    let _ = image;
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = "load |-> {show}[executor = ProcessPoolExecutor]")]
struct InBrackets {}

fn main() {}
