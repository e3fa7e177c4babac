//! The store on real files, in real processes, in trouble.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

#[path = "../support/mod.rs"]
mod support;

mod child;
mod damage;
mod disk;
mod engine;
mod keep;
mod kill;
mod owner;
mod power;
mod power_of_run;
mod schema;
mod unsuitable;
