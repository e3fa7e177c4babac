//! What crosses between clients, runs and workers, as JSON.

use nexus_core::driver::{Record, RunMachine, RunStart, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The W3C header with a place in a trace.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// How long the output of a run may be: what a server takes by default, with room for what is around it.
pub(crate) const LONGEST_OUTPUT: usize = (32 << 20) - (64 << 10);

/// How long all else may be, half of that. A server has as much room for what it sends to a run's worker, and
/// what it sent last stays there until it sends something else: two that do not fit in together would have it
/// wait for ever.
pub(crate) const LONGEST_MESSAGE: usize = (16 << 20) - (64 << 10);

/// What a worker answers: what a task gave, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The time by the worker's wall clock.
    pub(crate) at: Timestamp,
    /// What the task gave; none if its time was over before.
    pub(crate) said: Option<Box<RawValue>>,
}

impl Answer {
    /// What a task gave, as an answer's JSON.
    pub(crate) fn json(at: Timestamp, said: &str) -> String {
        [r#"{"at":"#, &at.0.to_string(), r#","said":"#, said, "}"].concat()
    }

    /// The answer of a task whose time was over.
    pub(crate) fn timed_out(at: Timestamp) -> String {
        Self::json(at, "null")
    }
}

/// What the handler `resolve` of a run's workflow is given.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Resolution {
    /// The step's address.
    pub(crate) step: String,
    pub(crate) answer: Answer,
}

/// The status with which that handler refuses an answer.
pub(crate) const ALREADY_RESOLVED: u16 = 422;

/// What a run's workflow gives in the end: all that is needed to make the report. It is given how the run begins.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunOutput<S = RunStart, R = Vec<Record>> {
    /// How the run began.
    pub(crate) start: S,
    /// What came of it.
    pub(crate) records: R,
}

impl<'a> RunOutput<&'a RunStart, &'a [Record]> {
    /// The output of a run that is over.
    pub(crate) fn of(machine: &'a RunMachine) -> Self {
        Self { start: machine.begun(), records: machine.records() }
    }
}
