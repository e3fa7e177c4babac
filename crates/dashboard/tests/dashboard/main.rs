//! The dashboard as its clients see it: over a socket.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

#[cfg(feature = "logs")]
nexus::test_workers!();

mod access;
mod actions;
mod broken;
mod document;
#[cfg(feature = "logs")]
mod logs;
mod news;
mod own_tasks;
mod pools;
mod runs;
mod support;
mod trouble;
