//! Helpers of the tests: a time limit for work that may hang, and runs of a script with the linked
//! events.
#![allow(dead_code, reason = "no test file uses all")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panic")]

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use nexus::prelude::*;
use nexus::{Plan, StepOutcome};

/// How long a test waits before it fails.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_mins(1);

/// Does `work` on a thread of its own; work that hangs fails the test.
pub(crate) fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    let thread = std::thread::spawn(move || send.send(work()));
    match receive.recv_timeout(TEST_TIMEOUT) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("no end after {TEST_TIMEOUT:?}"),
        Err(_) => std::panic::resume_unwind(thread.join().unwrap_err()),
    }
}

/// Waits for something that another thread does.
pub(crate) fn wait_until(mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + TEST_TIMEOUT;
    while !condition() {
        assert!(Instant::now() < until, "it never came");
        std::thread::yield_now();
    }
}

pub(crate) fn plan(script: &str, fields: &Fields) -> Arc<Plan> {
    Flow::parse(script).unwrap().plan(&Registry::linked(), fields).unwrap()
}

pub(crate) fn run(script: &str) -> Report {
    Engine::shared().run_plan(&plan(script, &Fields::new()), Inputs::new()).unwrap()
}

/// The exception of a report's first step.
pub(crate) fn exception(report: &Report) -> Exception {
    match report.steps().next().unwrap().outcome() {
        StepOutcome::Exception(exception) => exception,
        other => panic!("{other:?}"),
    }
}
