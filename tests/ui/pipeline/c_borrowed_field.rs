//! R2: what a parameter borrows from is named where its own type does not name it.
#![allow(unused)]

use std::path::Path;

use nexus::prelude::*;

#[event]
fn step(name: &str, folder: &Path, items: &[u32], note: Option<&str>) -> Outcome<()> {
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = step)]
struct Flow {
    name: &'static str,
    folder: String,
    items: Vec<u64>,
    note: String,
}

fn main() {}
