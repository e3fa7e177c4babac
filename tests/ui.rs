//! Compiler errors: one mistake a file, in `tests/ui/*/`; and what must compile, in `pass/`.
//!
//! The texts are those of the toolchain in `rust-toolchain.toml`. To accept new ones:
//! `TRYBUILD=overwrite cargo test --test ui`.

#[test]
fn mistakes_are_explained_at_the_users_token() {
    let cases = trybuild::TestCases::new();
    for folder in ["event", "derive", "pipeline", "descriptor"] {
        cases.compile_fail(format!("tests/ui/{folder}/*.rs"));
    }
}

#[test]
fn strict_and_odd_users_compile() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}
