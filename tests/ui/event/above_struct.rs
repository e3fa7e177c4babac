//! Settings of a struct that says nowhere what it does.
#![allow(unused)]

use nexus::prelude::*;

#[nexus::event(stop_on_error)]
struct Step;

fn main() {}
