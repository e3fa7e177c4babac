//! A short run of the fuzzer, the same each time. The long run is
//! `cargo run --release -p nexus-pointy --all-features --example fuzz -- --seconds 600`. A script
//! that it finds goes into `tests/scripts` or `tests/broken`, where every run starts.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod common;

use common::fuzz::Fuzzer;

#[test]
fn a_short_run() {
    let mut fuzzer = Fuzzer::new(1);
    for _ in 0..3_000 {
        fuzzer.step().unwrap_or_else(|what| panic!("{what}"));
    }
    // Else it would check nothing but error paths.
    assert!(fuzzer.stats.valid > 100, "{:?}", fuzzer.stats);
    assert!(fuzzer.corpus() > 300, "{}", fuzzer.corpus());
}
