//! Checksums of rows: CRC-32 of all their columns, each told apart from the next.

use crc32fast::Hasher;

/// A checksum that is being made. Short columns are gathered, since to sum them up one by one takes
/// several times as long.
#[derive(Debug)]
struct Checksum {
    summed: Hasher,
    gathered: Vec<u8>,
}

/// A text of so many bytes is not short.
const LONG: usize = 1_024;

impl Checksum {
    fn new() -> Self {
        Self { summed: Hasher::new(), gathered: Vec::with_capacity(256) }
    }

    fn number(mut self, number: i64) -> Self {
        self.gathered.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn text(mut self, text: &str) -> Self {
        self = self.number(text.len().try_into().unwrap_or(i64::MAX));
        if text.len() < LONG {
            self.gathered.extend_from_slice(text.as_bytes());
        } else {
            self.summed.update(&self.gathered);
            self.gathered.clear();
            self.summed.update(text.as_bytes());
        }
        self
    }

    /// A column that may be null: whether it is, then what it is.
    fn optional<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            None => self.number(0),
            Some(value) => add(self.number(1), value),
        }
    }

    fn end(mut self) -> i64 {
        self.summed.update(&self.gathered);
        i64::from(self.summed.finalize())
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
        let sum = Checksum::new().number(self.run).number(self.seq).number(self.at);
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
        let sum = Checksum::new().text(self.key).text(self.pipeline).number(self.flow);
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
        let sum = Checksum::new().text(self.key).optional(self.status, Checksum::text);
        let sum = sum.optional(self.ended_at, Checksum::number);
        sum.optional(self.reason, Checksum::text).optional(self.records, Checksum::number).end()
    }
}
