//! A test binary without the line that worker processes need: an error, and nothing is started.
#![cfg(unix)]

use nexus::prelude::*;
use nexus::testing::TestEngine;

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

#[test]
fn a_mocked_event_of_a_process_pool_needs_no_worker() {
    let plan = Flow::parse("anything || anything")
        .unwrap()
        .plan(&Registry::linked(), &Fields::new())
        .unwrap();
    let mocked = TestEngine::new().mock("anything", |_: &Context| Outcome::success(2_u32));
    let report = mocked.build().unwrap().run_plan(&plan, Inputs::new()).unwrap();
    let values: Vec<&u32> = report.steps().map(|step| step.value::<u32>().unwrap()).collect();
    assert_eq!(values, [&2, &2]);
}
