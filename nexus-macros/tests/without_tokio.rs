//! What async events say in a program whose nexus has not the feature `tokio`.
//!
//! The tests of the crate nexus always have it; the program that trybuild compiles here has the
//! default features, whatever the rest of the workspace is built with.

#[test]
fn an_async_event_asks_for_the_feature() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
