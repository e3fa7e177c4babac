//! The command `nexus` as its users have it: the real binary, run on real files.
//!
//! What it writes is pinned in `tests/pinned`. To accept new texts, read them, then
//! `UPDATE=1 cargo test -p nexus-cli --test command`.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod check;
mod explain;
mod format;
mod graph;
mod guide;
mod help;
mod new;
mod pipes;
mod run;
#[cfg(unix)]
mod terminal;
