//! R2: what a parameter borrows from is named where its own type does not name it.
#![allow(unused)]

use std::path::Path;

use nexus::prelude::*;

#[event]
fn text(name: &str) -> Outcome<()> {
    Outcome::success(())
}
#[event]
fn path(folder: &Path) -> Outcome<()> {
    Outcome::success(())
}
#[event]
fn list(items: &[u32]) -> Outcome<()> {
    Outcome::success(())
}
#[event]
fn option(note: Option<&str>) -> Outcome<()> {
    Outcome::success(())
}
#[event]
fn missing(title: &str) -> Outcome<()> {
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = text -> path -> list -> option -> missing)]
struct Flow {
    name: &'static str,
    folder: String,
    items: Vec<u64>,
    note: String,
}

fn main() {}
