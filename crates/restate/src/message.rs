//! What crosses between clients, runs and workers, as JSON.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use nexus_core::driver::{
    FlowRecord, FlowStep, Record, RecordKind, RunMachine, RunStart, Timestamp,
};
use serde::de::Error as _;
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
#[derive(Debug)]
pub(crate) struct RunOutput {
    /// How the run began.
    pub(crate) start: RunStart,
    /// What came of it.
    pub(crate) records: Vec<Record>,
}

/// A run's beginning, as the JSON that its workflow is given.
pub(crate) fn start_json(start: &RunStart) -> serde_json::Result<String> {
    serde_json::to_string(&StartMessage::of(start)?)
}

/// What [`start_json`] has written.
pub(crate) fn read_start(json: &[u8]) -> serde_json::Result<RunStart> {
    serde_json::from_slice::<StartMessage<'_>>(json)?.start()
}

impl RunOutput {
    /// The output of a run that is over, as JSON.
    pub(crate) fn json(machine: &RunMachine) -> serde_json::Result<Vec<u8>> {
        let start = StartMessage::of(machine.begun())?;
        let records: Vec<_> =
            machine.records().iter().map(record_message).collect::<serde_json::Result<_>>()?;
        serde_json::to_vec(&OutputMessage { start, records })
    }

    /// What [`json`](Self::json) has written.
    pub(crate) fn read(json: &[u8]) -> serde_json::Result<Self> {
        let OutputMessage { start, records } = serde_json::from_slice(json)?;
        let records = (1..).zip(records).map(|(seq, message)| record(seq, message)).collect();
        Ok(Self { start: start.start()?, records })
    }
}

#[derive(Serialize, Deserialize)]
struct OutputMessage<'a> {
    #[serde(borrow)]
    start: StartMessage<'a>,
    #[serde(borrow)]
    records: Vec<RecordMessage<'a>>,
}

/// A record without its number, which is its place: when, what, the step, the attempt, the item, and the body.
type RecordMessage<'a> =
    (Timestamp, RecordKind, Option<u32>, u32, Option<u64>, Option<&'a RawValue>);

fn record_message(record: &Record) -> serde_json::Result<RecordMessage<'_>> {
    let Record { at, kind, step, attempt, item, body, .. } = record;
    let body = if body.is_empty() { None } else { Some(serde_json::from_str(body)?) };
    Ok((*at, *kind, *step, *attempt, *item, body))
}

fn record(seq: u64, (at, kind, step, attempt, item, body): RecordMessage<'_>) -> Record {
    let body = body.map(|body| body.get().to_owned()).unwrap_or_default();
    Record { seq, at, kind, step, attempt, item, body }
}

/// A [`RunStart`] in fewer words, since a server copies it many times, and half of it would be names of events:
/// what is said of an event stands once.
#[derive(Serialize, Deserialize)]
struct StartMessage<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    pipeline: Cow<'a, str>,
    #[serde(borrow)]
    script: Cow<'a, str>,
    /// Each event that has steps, with its version and what it yields.
    #[serde(borrow)]
    events: Vec<(Cow<'a, str>, u32, Cow<'a, str>)>,
    /// The steps, as places in `events`.
    steps: Vec<usize>,
    /// The paths of steps which are not [what they mostly are](usual_paths), by the steps' places.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    paths: Vec<(usize, Cow<'a, str>)>,
    #[serde(borrow)]
    inputs: &'a RawValue,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Timestamp>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    parent: Option<Cow<'a, str>>,
}

impl<'a> StartMessage<'a> {
    fn of(start: &'a RunStart) -> serde_json::Result<Self> {
        let FlowRecord { script, steps: all } = &*start.flow;
        let (mut events, mut steps, mut places) = (Vec::new(), Vec::new(), HashMap::new());
        for FlowStep { event, version, output, .. } in all {
            let place = *places.entry((event, version, output)).or_insert_with(|| {
                events.push((Cow::from(event), *version, Cow::from(output)));
                events.len() - 1
            });
            steps.push(place);
        }
        let usual = usual_paths(all.iter().map(|step| &*step.event));
        let own = (0..).zip(all).zip(usual).filter(|((_, step), usual)| step.path != *usual);
        let paths = own.map(|((place, step), _)| (place, Cow::from(&step.path))).collect();
        Ok(Self {
            key: Cow::from(&*start.key),
            pipeline: Cow::from(&*start.pipeline),
            script: Cow::from(script),
            events,
            steps,
            paths,
            inputs: serde_json::from_str(&start.inputs)?,
            at: start.at,
            deadline: start.deadline,
            parent: start.parent.as_deref().map(Cow::from),
        })
    }

    fn start(self) -> serde_json::Result<RunStart> {
        let event = |place: &usize| self.events.get(*place);
        let Some(events) = self.steps.iter().map(event).collect::<Option<Vec<_>>>() else {
            return Err(serde_json::Error::custom("a step of an event that is not there"));
        };
        let usual = usual_paths(events.iter().map(|(event, ..)| &**event));
        let mut steps: Vec<FlowStep> = events
            .iter()
            .zip(usual)
            .map(|((event, version, output), path)| FlowStep {
                path,
                event: event.to_string(),
                version: *version,
                output: output.to_string(),
            })
            .collect();
        for (place, path) in self.paths {
            let Some(step) = steps.get_mut(place) else {
                return Err(serde_json::Error::custom("the path of a step that is not there"));
            };
            step.path = path.into_owned();
        }
        let flow = Arc::new(FlowRecord { script: self.script.into_owned(), steps });
        let inputs = self.inputs.get().to_owned();
        let mut start = RunStart::new(self.key, self.pipeline, flow, inputs, self.at);
        (start.deadline, start.parent) = (self.deadline, self.parent.map(Arc::from));
        Ok(start)
    }
}

/// The paths of steps that stand in no branch, for their events: the event, and for its further steps a number.
fn usual_paths<'a>(events: impl Iterator<Item = &'a str>) -> impl Iterator<Item = String> {
    let mut seen = HashMap::<&str, u32>::new();
    events.map(move |event| {
        let count = seen.entry(event).or_insert(0);
        *count += 1;
        if *count == 1 { event.to_owned() } else { format!("{event}#{count}") }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    fn start(steps: &[(&str, &str, u32, &str)]) -> RunStart {
        let step = |&(path, event, version, output): &(&str, &str, u32, &str)| FlowStep {
            path: path.to_owned(),
            event: event.to_owned(),
            version,
            output: output.to_owned(),
        };
        let steps = steps.iter().map(step).collect();
        let flow = Arc::new(FlowRecord { script: "a \"quoted\" flow".to_owned(), steps });
        RunStart::new("k", "P", flow, r#"{"a":[1,"\n"]}"#.to_owned(), Timestamp(7))
    }

    #[test]
    fn a_beginning_is_read_as_it_was() {
        let mut whole = start(&[
            ("pay", "pay", 1, "u64"),
            ("pay#2", "pay", 1, "u64"),
            // As a registry may have events of the same name with other versions.
            ("pay#3", "pay", 2, "u64"),
            ("check/1/pay#2", "pay", 1, "u64"),
            ("check", "check", 1, "Vec<\"x\">"),
        ]);
        whole.deadline = Some(Timestamp(9));
        whole.parent = Some("its parent".into());
        for start in [whole, start(&[])] {
            assert_eq!(read_start(start_json(&start).unwrap().as_bytes()).unwrap(), start);
        }
    }

    /// A server copies what is written some ten times, which costs more than to make it.
    #[test]
    fn an_event_is_said_once() {
        let json = start_json(&start(&[
            ("send_reminder", "send_reminder", 1, "Receipt"),
            ("send_reminder#2", "send_reminder", 1, "Receipt"),
        ]));
        assert_eq!(json.unwrap().matches("send_reminder").count(), 1);
    }

    #[test]
    fn steps_that_are_not_there_are_no_beginning() {
        let json = start_json(&start(&[("pay", "pay", 1, "u64")])).unwrap();
        for (there, put) in [("[0]", "[1]"), ("[0]", r#"[0],"paths":[[1,"pay"]]"#)] {
            let json = json.replace(there, put);
            assert!(read_start(json.as_bytes()).unwrap_err().to_string().contains("not there"));
        }
    }
}
