//! What async events say in a program whose nexus has not the feature `tokio`.
//!
//! The tests of the crate nexus always have it; the program that trybuild compiles here has the
//! default features, whatever the rest of the workspace is built with.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

#[path = "../../tests/ui/same_flags.rs"]
mod same_flags;

#[test]
fn an_async_event_asks_for_the_feature() {
    same_flags::with_same_flags(|cases| cases.compile_fail("tests/ui/*.rs"));
}
