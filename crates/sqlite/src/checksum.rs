//! Checksums of rows: CRC-32 of all their columns, each told apart from the next.

use crc32fast::Hasher;

/// A checksum that is being made. Columns are gathered, since to sum them up one by one takes several
/// times as long.
#[derive(Debug)]
struct Checksum {
    summed: Hasher,
    gathered: [u8; GATHERED],
    /// How many bytes are gathered.
    length: usize,
}

const GATHERED: usize = 256;

impl Checksum {
    fn new() -> Self {
        Self { summed: Hasher::new(), gathered: [0; GATHERED], length: 0 }
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        if self.length + bytes.len() > GATHERED {
            self.summed.update(&self.gathered[..self.length]);
            self.length = 0;
        }
        match self.gathered.get_mut(self.length..self.length + bytes.len()) {
            Some(free) => {
                free.copy_from_slice(bytes);
                self.length += bytes.len();
            }
            None => self.summed.update(bytes),
        }
        self
    }

    #[inline]
    fn number(&mut self, number: i64) -> &mut Self {
        let number = number.to_le_bytes();
        match self.gathered.get_mut(self.length..).and_then(|free| free.first_chunk_mut()) {
            Some(free) => {
                *free = number;
                self.length += number.len();
                self
            }
            None => self.bytes(&number),
        }
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.number(text.len().try_into().unwrap_or(i64::MAX)).bytes(text.as_bytes())
    }

    /// A column that may be null: whether it is, then what it is.
    fn optional<T>(
        &mut self,
        value: Option<T>,
        add: impl FnOnce(&mut Self, T) -> &mut Self,
    ) -> &mut Self {
        match value {
            None => self.number(0),
            Some(value) => add(self.number(1), value),
        }
    }

    fn end(&mut self) -> i64 {
        self.summed.update(&self.gathered[..self.length]);
        i64::from(std::mem::take(&mut self.summed).finalize())
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
        let mut sum = Checksum::new();
        sum.number(self.run).number(self.seq).number(self.at).text(self.kind);
        sum.optional(self.step, Checksum::number).number(self.attempt);
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
        let mut sum = Checksum::new();
        sum.text(self.key).text(self.pipeline).number(self.flow);
        sum.text(self.inputs).number(self.started_at);
        sum.optional(self.deadline, Checksum::number);
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
        let mut sum = Checksum::new();
        sum.text(self.key).optional(self.status, Checksum::text);
        sum.optional(self.ended_at, Checksum::number);
        sum.optional(self.reason, Checksum::text).optional(self.records, Checksum::number).end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store that was written before could not be read any more.
    #[test]
    fn however_columns_are_gathered_all_their_bytes_are_summed_in_order() {
        for length in 0..3 * GATHERED {
            let text = "0123456789".repeat(length.div_ceil(10));
            let text = &text[..length];
            let mut sum = Checksum::new();
            sum.number(7).text(text).optional(Some("end"), Checksum::text);
            let mut all = Vec::new();
            for part in [&7_i64.to_le_bytes(), &i64::try_from(length).unwrap().to_le_bytes()] {
                all.extend_from_slice(part);
            }
            all.extend_from_slice(text.as_bytes());
            all.extend_from_slice(&1_i64.to_le_bytes());
            all.extend_from_slice(&3_i64.to_le_bytes());
            all.extend_from_slice(b"end");
            assert_eq!(sum.end(), i64::from(crc32fast::hash(&all)), "{length}");
        }
    }
}
