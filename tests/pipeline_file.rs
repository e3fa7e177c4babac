//! A flow in a file of its own.
#![allow(missing_docs, reason = "a test")]

use nexus::prelude::*;

#[event]
fn double(number: &u32) -> Outcome<u32> {
    Outcome::success(number * 2)
}

#[derive(Pipeline)]
#[pipeline(file = "tests/flows/doubled.pty", name = "doubled")]
struct Doubled {
    number: u32,
}

#[test]
fn a_flow_in_a_file_runs() {
    let report = Doubled { number: 4 }.run().unwrap();
    assert_eq!(report.output::<u32>().unwrap(), &8);
    assert_eq!(report.pipeline(), "doubled");
}
