//! What crosses between clients, runs and workers, as JSON: how tasks and waits ended. How a run begins is in
//! `start.rs`, what it gives in `output.rs`.

use std::fmt::Write as _;

use nexus_core::driver::Timestamp;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The time by the worker's wall clock.
    pub(crate) at: Timestamp,
    /// What the task gave, as JSON; none if its time was over before.
    pub(crate) said: Option<String>,
}

impl Answer {
    /// The answer as JSON.
    pub(crate) fn json(&self) -> String {
        let said = self.said.as_deref().unwrap_or(NULL);
        // As long as it becomes with a time of these years: a `Bytes` is made of it, which would copy it to be
        // rid of room that is left.
        let around = r#"{"at":1234567890123456,"said":}"#.len();
        let mut json = String::with_capacity(around + said.len());
        // Writing to a text never fails.
        let _ = write!(json, r#"{{"at":{},"said":{said}}}"#, self.at.0);
        json
    }

    /// What [`json`](Self::json) has written. What the task gave is read when the run is told of it, and
    /// nobody looks through it before.
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        let json = std::str::from_utf8(json).ok()?;
        let (at, said) = before_comma(json.strip_prefix(r#"{"at":"#)?)?;
        let said = said.strip_prefix(r#""said":"#)?.strip_suffix('}')?;
        let at = Timestamp(at.parse().ok()?);
        Some(Self { at, said: (said != NULL).then(|| said.to_owned()) })
    }
}

/// What stands before the next comma, and after it. It is looked for byte by byte, since it is near.
pub(crate) fn before_comma(text: &str) -> Option<(&str, &str)> {
    let comma = text.bytes().position(|byte| byte == b',')?;
    Some((text.get(..comma)?, text.get(comma + 1..)?))
}

/// What stands for what is not there, in JSON.
pub(crate) const NULL: &str = "null";

/// What the handler `resolve` of a run's workflow is given: how the step ended that waits.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Resolution {
    /// The step's address.
    pub(crate) step: String,
    pub(crate) at: Timestamp,
    pub(crate) said: Box<RawValue>,
}

/// The status with which that handler refuses an answer.
pub(crate) const ALREADY_RESOLVED: u16 = 422;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let at = Timestamp(1_764_315_102_123_456);
        for said in [r#"{"outcome":{"success":"},\"said\":"}}"#, "7", r#"{"at":1,"said":null}"#] {
            let answer = Answer { at, said: Some(said.to_owned()) };
            assert_eq!(Answer::read(answer.json().as_bytes()), Some(answer));
        }
        let late = Answer { at, said: None };
        assert_eq!(Answer::read(late.json().as_bytes()), Some(late));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for json in ["", "null", r#"{"at":1}"#, r#"{"at":"x","said":1}"#, r#"{"at":1,"said":1"#] {
            assert_eq!(Answer::read(json.as_bytes()), None, "{json}");
        }
        assert_eq!(Answer::read(b"{\"at\":1,\"said\":\xff}"), None);
    }
}
