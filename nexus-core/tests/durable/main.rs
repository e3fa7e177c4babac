//! Durable runs (rules D1 to D12): recorded, left, and brought back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

mod activity;
mod background;
mod bad_input;
mod cancel;
mod children;
mod decisions;
mod drift;
mod futures;
mod history;
mod keys;
mod late;
mod many;
#[path = "../patience/mod.rs"]
mod patience;
mod pending;
mod pure;
mod release;
mod resume;
mod retention;
mod retry;
mod simulation;

mod support;
mod trouble;
