//! What crosses between clients, runs and workers, as JSON.

use std::sync::Arc;

use nexus_core::driver::{FlowRecord, Record, RecordKind, RunStart, Timestamp};
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

/// What a run's workflow is given: how the run began. The key is that of the workflow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunInput {
    pipeline: String,
    #[serde(with = "shared")]
    flow: Arc<FlowRecord>,
    /// The pipeline's fields.
    inputs: Box<RawValue>,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Timestamp>,
}

impl RunInput {
    /// # Errors
    ///
    /// If the inputs are no JSON.
    pub(crate) fn of(start: &RunStart) -> serde_json::Result<Self> {
        Ok(Self {
            pipeline: start.pipeline.to_string(),
            flow: Arc::clone(&start.flow),
            inputs: RawValue::from_string(start.inputs.clone())?,
            at: start.at,
            deadline: start.deadline,
        })
    }

    /// How the run with this key began.
    pub(crate) fn start(&self, key: &str) -> RunStart {
        let (pipeline, flow) = (self.pipeline.as_str(), Arc::clone(&self.flow));
        let mut start = RunStart::new(key, pipeline, flow, self.inputs.get().to_owned(), self.at);
        start.deadline = self.deadline;
        start
    }
}

/// A flow that others have as well.
mod shared {
    use std::sync::Arc;

    use nexus_core::driver::FlowRecord;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        flow: &Arc<FlowRecord>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        flow.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<FlowRecord>, D::Error> {
        FlowRecord::deserialize(deserializer).map(Arc::new)
    }
}

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
        format!("{{\"at\":{},\"said\":{said}}}", at.0)
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

/// What a run's workflow gives in the end: all that is needed to make the report.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunOutput {
    pub(crate) begun: RunInput,
    records: Vec<WrittenRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrittenRecord {
    at: Timestamp,
    kind: RecordKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<u32>,
    #[serde(default)]
    attempt: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    item: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

impl RunOutput {
    /// # Errors
    ///
    /// If a record's body is no JSON.
    pub(crate) fn of(begun: RunInput, records: &[Record]) -> serde_json::Result<Self> {
        let written = records.iter().map(|record| {
            let body = match &*record.body {
                "" => None,
                body => Some(RawValue::from_string(body.to_owned())?),
            };
            let Record { at, kind, step, attempt, item, .. } = *record;
            Ok(WrittenRecord { at, kind, step, attempt, item, body })
        });
        Ok(Self { begun, records: written.collect::<serde_json::Result<_>>()? })
    }

    /// The records of the run.
    pub(crate) fn records(self) -> Vec<Record> {
        let read = |(written, seq): (WrittenRecord, u64)| {
            let WrittenRecord { at, kind, step, attempt, item, body } = written;
            let body = body.map(|body| body.get().to_owned()).unwrap_or_default();
            Record { seq, at, kind, step, attempt, item, body }
        };
        self.records.into_iter().zip(1..).map(read).collect()
    }
}
