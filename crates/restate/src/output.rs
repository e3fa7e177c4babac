//! What a run's workflow gives in the end: all that is needed to make the report.
//!
//! It is a JSON array: how the run began, and its records. Before what may be long stands how many bytes it has,
//! so that whoever reads it need not look for its end; what is in a record is looked at once, when the run is
//! told of it.

use std::str::FromStr;

use nexus_core::driver::{Record, RecordKind, RunMachine, Timestamp};
use serde::de::Error as _;

use crate::message::{NULL, before_comma};

/// A run's output.
#[derive(Debug)]
pub(crate) struct RunOutput<'a> {
    /// How the run began: what its workflow was given.
    pub(crate) begun: &'a str,
    /// What came of it.
    pub(crate) records: Vec<Record>,
}

impl<'a> RunOutput<'a> {
    /// The output of a run that is over, whose workflow was given `begun`.
    pub(crate) fn json(begun: &str, machine: &RunMachine) -> serde_json::Result<Vec<u8>> {
        let bodies = machine.records().iter().map(|record| record.body.len() + 64);
        let mut json = Vec::with_capacity(begun.len() + 16 + bodies.sum::<usize>());
        json.push(b'[');
        serde_json::to_writer(&mut json, &begun.len())?;
        json.push(b',');
        json.extend_from_slice(begun.as_bytes());
        for Record { at, kind, step, attempt, item, body, .. } in machine.records() {
            let body = if body.is_empty() { NULL } else { body };
            json.push(b',');
            serde_json::to_writer(&mut json, &(at, kind, step, attempt, item, body.len()))?;
            // What was read as JSON when the run was told of it.
            json.pop();
            json.push(b',');
            json.extend_from_slice(body.as_bytes());
            json.push(b']');
        }
        json.push(b']');
        Ok(json)
    }

    /// What [`json`](Self::json) has written.
    pub(crate) fn read(json: &'a [u8]) -> serde_json::Result<Self> {
        let json = std::str::from_utf8(json).map_err(serde_json::Error::custom)?;
        let read = || {
            let mut rest = Rest(json.strip_prefix('[')?);
            let begun = rest.sized()?;
            let mut records = Vec::new();
            while rest.0 != "]" {
                records.push(rest.record(records.len() as u64 + 1)?);
            }
            Some(Self { begun, records })
        };
        read().ok_or_else(|| serde_json::Error::custom("it is not what a run gives"))
    }
}

/// What is not read yet of an output.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// A record without its number, which is its place.
    fn record(&mut self, seq: u64) -> Option<Record> {
        self.0 = self.0.strip_prefix(",[")?;
        let at = Timestamp(self.number()?);
        let kind = self.value()?.strip_prefix('"')?.strip_suffix('"')?;
        let kind = RecordKind::from_name(kind)?;
        let (step, attempt) = (self.optional().ok()?, self.number()?);
        let item = self.optional().ok()?;
        let body = self.sized()?;
        let body = if body == NULL { String::new() } else { body.to_owned() };
        self.0 = self.0.strip_prefix(']')?;
        Some(Record { seq, at, kind, step, attempt, item, body })
    }

    /// What stands before the next comma.
    fn value(&mut self) -> Option<&'a str> {
        let (value, rest) = before_comma(self.0)?;
        self.0 = rest;
        Some(value)
    }

    fn number<T: FromStr>(&mut self) -> Option<T> {
        self.value()?.parse().ok()
    }

    /// A number, or that there is none.
    fn optional<T: FromStr>(&mut self) -> Result<Option<T>, T::Err> {
        match self.value() {
            None | Some(NULL) => Ok(None),
            Some(number) => number.parse().map(Some),
        }
    }

    /// What stands after how many bytes it has.
    fn sized(&mut self) -> Option<&'a str> {
        let length = self.number()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    #[test]
    fn records_are_read_as_they_were_written() {
        let json = r#"[7,{"a":1},[5,"completed",0,1,null,12,{"a":"],["}}],[6,"woken",0,1,18,4,null],[7,"halted",null,0,null,2,{}]]"#;
        let output = RunOutput::read(json.as_bytes()).unwrap();
        assert_eq!(output.begun, r#"{"a":1}"#);
        let [completed, woken, halted] = &*output.records else { panic!("{output:?}") };
        assert_eq!(
            (completed.seq, completed.step, &*completed.body),
            (1, Some(0), r#"{"a":"],["}}"#)
        );
        assert_eq!((woken.kind, woken.item, &*woken.body), (RecordKind::Woken, Some(18), ""));
        assert_eq!((halted.seq, halted.at, halted.step), (3, Timestamp(7), None));
    }

    /// As of a server that is another one than it should be.
    #[test]
    fn what_is_no_output_is_refused() {
        let json = r#"[2,{},[5,"completed",0,1,null,2,{}],[6,"woken",0,1,null,4,null]]"#;
        assert!(RunOutput::read(json.as_bytes()).is_ok());
        for end in 0..json.len() {
            assert!(RunOutput::read(&json.as_bytes()[..end]).is_err(), "{}", &json[..end]);
        }
        for (there, put) in
            [("2,", "3,"), ("2,", "999,"), ("completed", "complete"), ("null,2", "x,2")]
        {
            let json = json.replacen(there, put, 1);
            assert!(RunOutput::read(json.as_bytes()).is_err(), "{json}");
        }
        assert!(RunOutput::read(b"[2,\xff\xff]").is_err());
    }
}
