//! What a public event yields is public.
#![allow(unused)]

use nexus::prelude::*;

struct Receipt;

#[event]
pub fn step() -> Outcome<Receipt> {
    Outcome::success(Receipt)
}

fn main() {}
