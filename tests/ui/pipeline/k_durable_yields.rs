//! D7: a store keeps what a durable pipeline's steps yield.

use nexus::prelude::*;

pub struct Receipt;

#[event]
fn charge() -> Outcome<Receipt> {
    Outcome::success(Receipt)
}

#[event]
fn confirm(#[piped] receipt: &Receipt) -> Outcome<&'static str> {
    let _ = receipt;
    Outcome::success("paid")
}

#[derive(Pipeline)]
#[pipeline(flow = charge |-> confirm -> charge, durable)]
struct Shop {}

#[derive(Event)]
struct Print {
    copies: u32,
}

#[event]
impl Print {
    fn process(&self) -> (bool, Option<Receipt>) {
        (self.copies > 0, None)
    }
}

#[derive(Pipeline)]
#[pipeline(durable = true, flow = "Print[copies = 2]")]
struct Office {}

fn main() {}
