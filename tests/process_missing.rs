//! A test binary without the line that worker processes need: an error, and nothing is started.
#![cfg(unix)]

use nexus::prelude::*;

#[event(executor = ProcessPoolExecutor)]
fn anything() -> Outcome<u32> {
    Outcome::success(1)
}

#[derive(Pipeline)]
#[pipeline(flow = anything)]
struct Anything {}

#[test]
fn the_error_says_what_to_write_and_where() {
    let error = Anything {}.run().map(|report| report.to_string()).expect_err("no entry");
    assert_eq!(
        error.to_string(),
        "executor `ProcessPoolExecutor`: cannot set up the executor: its workers are this program \
         once more, and it does not say where they are to begin: write `nexus::init();` as the \
         first line of `main`; or, for tests, `nexus::test_workers!();` beside them, outside of \
         any function"
    );
}
