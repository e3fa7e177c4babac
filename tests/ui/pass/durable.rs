//! Durable pipelines whose values can all be kept, or need not be.
#![deny(warnings, missing_docs)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use nexus::prelude::*;
use serde::{Deserialize, Serialize};

/// An order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    id: u32,
    lines: Vec<(String, f64)>,
}

/// What nothing can be written of.
#[derive(Debug)]
pub struct Parsed(pub fn() -> u32);

/// Whether what is cheap is recorded.
const RECORD: bool = false;

#[event(checkpoint = false, version = 2)]
fn parse(order: &Order) -> Outcome<Parsed> {
    let _ = order;
    Outcome::success(Parsed(|| 7))
}

#[event(checkpoint = RECORD)]
fn stream() -> Outcome<Items<u32>> {
    Outcome::success(Items::new(0..3))
}

#[event]
fn charge(order: &Order, names: &BTreeMap<String, PathBuf>, note: Option<&u8>) -> Outcome<Order> {
    let _ = (names, note);
    Outcome::success(order.clone())
}

#[event]
fn borrows() -> Outcome<&'static str> {
    Outcome::success("a text")
}

#[event]
fn count(#[piped] row: u32) -> Outcome<u32> {
    Outcome::success(row + 1)
}

/// A step that is cheap.
#[derive(Event)]
#[event(checkpoint = false)]
pub struct Scale {
    factor: f64,
}

#[event]
impl Scale {
    fn process(&self) -> Outcome<Parsed> {
        let _ = self.factor;
        Outcome::success(Parsed(|| 1))
    }
}

/// All that a store can keep.
#[derive(Debug, Pipeline)]
#[pipeline(
    durable,
    flow = parse -> Scale[factor = 2.0] -> charge -> {borrows -> {borrows}}[checkpoint = false]
        -> stream |-> count[each],
    name = "shop",
)]
pub struct Shop {
    order: Arc<Order>,
    #[field(default)]
    names: BTreeMap<String, PathBuf>,
    note: Option<u8>,
    #[field(default = vec![1, 2])]
    bytes: Vec<u8>,
}

/// One that a store might not keep.
#[derive(Debug, Pipeline)]
#[pipeline(flow = "borrows", durable = false)]
pub struct InMemory {
    text: &'static str,
}

/// Runs both.
pub fn main() {
    assert!(Shop::DURABLE && !InMemory::DURABLE);
    let shop = Shop::new(Arc::new(Order { id: 1, lines: Vec::new() }), None);
    assert_eq!(shop.bytes, [1, 2]);
    let report = shop.run().expect("it starts");
    assert_eq!(report.output::<Vec<u32>>().expect("a value"), &[1, 2, 3]);
    assert!(InMemory { text: "x" }.run().expect("it starts").is_success());
}
