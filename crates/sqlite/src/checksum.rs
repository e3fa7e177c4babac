//! Checksums of rows: CRC-32 of all their columns, each told apart from the next.

use crc32fast::Hasher;

/// A checksum that is being made.
#[derive(Debug, Default)]
struct Checksum(Hasher);

impl Checksum {
    fn number(mut self, number: i64) -> Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    fn text(mut self, text: &str) -> Self {
        self = self.number(text.len().try_into().unwrap_or(i64::MAX));
        self.0.update(text.as_bytes());
        self
    }

    /// A column that may be null: whether it is, then what it is.
    fn optional<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            None => self.number(0),
            Some(value) => add(self.number(1), value),
        }
    }

    fn end(self) -> i64 {
        i64::from(self.0.finalize())
    }
}

/// A row of the table `record`.
#[derive(Debug)]
pub(crate) struct RecordRow<'a> {
    pub(crate) run: i64,
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) kind: &'a str,
    pub(crate) step: Option<i64>,
    pub(crate) attempt: i64,
    pub(crate) item: Option<i64>,
    pub(crate) body: &'a str,
}

impl RecordRow<'_> {
    pub(crate) fn checksum(&self) -> i64 {
        let sum = Checksum::default().number(self.run).number(self.seq).number(self.at);
        let sum = sum.text(self.kind).optional(self.step, Checksum::number).number(self.attempt);
        sum.optional(self.item, Checksum::number).text(self.body).end()
    }
}

/// The columns of the table `run` that stay as they were when the run began.
#[derive(Debug)]
pub(crate) struct StartColumns<'a> {
    pub(crate) key: &'a str,
    pub(crate) pipeline: &'a str,
    pub(crate) flow: i64,
    pub(crate) inputs: &'a str,
    pub(crate) started_at: i64,
    pub(crate) deadline: Option<i64>,
    pub(crate) parent: Option<&'a str>,
}

impl StartColumns<'_> {
    pub(crate) fn checksum(&self) -> i64 {
        let sum = Checksum::default().text(self.key).text(self.pipeline).number(self.flow);
        let sum = sum.text(self.inputs).number(self.started_at);
        let sum = sum.optional(self.deadline, Checksum::number);
        sum.optional(self.parent, Checksum::text).end()
    }
}

/// The columns of the table `run` that say how far the run is.
#[derive(Debug)]
pub(crate) struct StateColumns<'a> {
    pub(crate) key: &'a str,
    pub(crate) status: Option<&'a str>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) records: Option<i64>,
}

impl StateColumns<'_> {
    pub(crate) fn checksum(&self) -> i64 {
        let sum = Checksum::default().text(self.key).optional(self.status, Checksum::text);
        let sum = sum.optional(self.ended_at, Checksum::number);
        sum.optional(self.reason, Checksum::text).optional(self.records, Checksum::number).end()
    }
}
