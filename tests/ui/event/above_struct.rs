//! The order of attributes.
#![allow(unused)]

use nexus::prelude::*;

#[nexus::event(stop_on_error)]
struct Step;

fn main() {}
