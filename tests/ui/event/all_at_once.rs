//! Every mistake of an item is shown.
#![allow(unused)]

use nexus::prelude::*;

#[event(retries = 3, executor_config = { max_workers: 0, colour: 1 }, stop_on_error = 1)]
async fn step(x: &mut u8, #[piped] y: u8, #[piped] z: u8) -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
