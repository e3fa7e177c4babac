//! R2: what an event in another process yields must be able to come back; `&'static str` cannot
//! be read.

use nexus::prelude::*;

#[event(executor = ProcessPoolExecutor)]
fn greet() -> Result<&'static str, std::io::Error> {
    Ok("hello")
}

fn main() {}
