//! Compiler errors: one mistake a file, in `tests/ui/*/`. What must compile is in `tests/pass.rs`.
//!
//! The texts are those of the toolchain in `rust-toolchain.toml`. To accept new ones:
//! `TRYBUILD=overwrite cargo test --test ui`.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

#[path = "ui/same_flags.rs"]
mod same_flags;

#[test]
fn mistakes_are_explained_at_the_users_token() {
    same_flags::with_same_flags(|cases| {
        for folder in ["event", "derive", "pipeline", "descriptor"] {
            cases.compile_fail(format!("tests/ui/{folder}/*.rs"));
        }
    });
}
