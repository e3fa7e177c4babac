//! What became of all batches, in a few numbers and sentences.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use nexus_pointy::visible;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::error::{Error, Result};
use crate::report::{Report, Status};

/// What became of one batch.
#[derive(Debug)]
#[non_exhaustive]
pub struct BatchReport {
    /// Which batch it is, from 0.
    pub index: u64,
    /// Its items, by their number in the whole input, from 0.
    pub items: Range<u64>,
    /// What became of its run.
    pub report: Report,
}

/// What became of the batches: counts, and the first few failures. Its size does not grow with the
/// input.
///
/// `Display` shows it to people; `serde` writes it for programs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchSummary {
    /// The pipeline's name.
    pub pipeline: &'static str,
    /// How many batches have ended.
    pub batches: u64,
    /// How many items they had.
    pub items: u64,
    /// How many runs succeeded.
    pub succeeded: u64,
    /// How many runs failed.
    pub failed: u64,
    /// How many runs were ended by a stop condition of the flow.
    pub stopped: u64,
    /// How many runs were cancelled.
    pub cancelled: u64,
    /// How many runs took longer than their timeout.
    pub timed_out: u64,
    /// How many items the batches had whose run did not succeed.
    pub failed_items: u64,
    /// The first [`MOST_FAILURES`](Self::MOST_FAILURES) batches whose run did not succeed.
    pub failures: Vec<BatchFailure>,
    /// How long it took, by the engine's clock, up to the last batch that has ended.
    pub elapsed: Duration,
    /// Why no more batches were run; `None` as long as there may be more.
    pub end: Option<BatchEnd>,
}

/// A batch whose run did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchFailure {
    /// Which batch it is, from 0.
    pub index: u64,
    /// Its items, by their number in the whole input, from 0.
    pub items: Range<u64>,
    /// How its run ended.
    pub status: Status,
    /// The step, its attempts and the errors, in a sentence.
    pub why: String,
}

/// Why no more batches were run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum BatchEnd {
    /// The input was used up.
    Complete,
    /// A run did not succeed, and the batch was to stop there.
    StoppedOnFailure,
    /// Somebody cancelled the batch.
    Cancelled,
    /// The input broke, or a run could not begin.
    Broken(Error),
}

impl BatchSummary {
    /// How many failures a summary describes. All are counted.
    pub const MOST_FAILURES: usize = 10;

    pub(super) fn new(pipeline: &'static str) -> Self {
        Self {
            pipeline,
            batches: 0,
            items: 0,
            succeeded: 0,
            failed: 0,
            stopped: 0,
            cancelled: 0,
            timed_out: 0,
            failed_items: 0,
            failures: Vec::new(),
            elapsed: Duration::ZERO,
            end: None,
        }
    }

    pub(super) fn add(&mut self, batch: &BatchReport) {
        let count = batch.items.end - batch.items.start;
        self.batches += 1;
        self.items += count;
        let status = batch.report.status();
        *match status {
            Status::Succeeded => &mut self.succeeded,
            Status::Failed => &mut self.failed,
            Status::Stopped => &mut self.stopped,
            Status::Cancelled => &mut self.cancelled,
            Status::TimedOut => &mut self.timed_out,
        } += 1;
        if status == Status::Succeeded {
            return;
        }
        self.failed_items += count;
        // Batches may come in any order; the first ones stay.
        let place = self.failures.partition_point(|known| known.index < batch.index);
        if place < Self::MOST_FAILURES {
            self.failures.truncate(Self::MOST_FAILURES - 1);
            let (index, items) = (batch.index, batch.items.clone());
            let why = batch.report.failure_message();
            self.failures.insert(place, BatchFailure { index, items, status, why });
        }
    }

    /// Whether the input was used up and every run succeeded.
    pub fn is_success(&self) -> bool {
        matches!(self.end, Some(BatchEnd::Complete)) && self.succeeded == self.batches
    }

    /// Why the input broke, or a run could not begin.
    pub fn error(&self) -> Option<&Error> {
        match &self.end {
            Some(BatchEnd::Broken(error)) => Some(error),
            _ => None,
        }
    }

    /// The summary itself if the input was used up and every run succeeded.
    ///
    /// # Errors
    ///
    /// [`error`](Self::error), if there is one; else [`Error::Run`] with the whole summary.
    pub fn ok(self) -> Result<Self> {
        if self.is_success() {
            return Ok(self);
        }
        Err(self.error().cloned().unwrap_or_else(|| Error::Run(self.to_string())))
    }

    /// Items a second; 0 where no time has passed.
    #[expect(clippy::cast_precision_loss, reason = "a rate of 2^53 items is never exact")]
    pub fn items_per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.items as f64 / seconds } else { 0.0 }
    }

    /// How many runs ended in each way that there was.
    fn by_status(&self) -> impl Iterator<Item = (u64, Status)> {
        let counts = [
            (self.succeeded, Status::Succeeded),
            (self.failed, Status::Failed),
            (self.stopped, Status::Stopped),
            (self.cancelled, Status::Cancelled),
            (self.timed_out, Status::TimedOut),
        ];
        counts.into_iter().filter(|(count, _)| *count > 0)
    }
}

/// "1 batch", "2 batches".
fn count(number: u64, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

impl fmt::Display for BatchSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let batches = count(self.batches, "batch", "batches");
        let items = count(self.items, "item", "items");
        write!(f, "{}: {batches}, {items} in {:.1?}", self.pipeline, self.elapsed)?;
        write!(f, ", {:.0} items/s", self.items_per_second())?;
        for (index, (number, status)) in self.by_status().enumerate() {
            f.write_str(if index == 0 { "\n  " } else { ", " })?;
            write!(f, "{number} {status}")?;
        }
        if self.failed_items > 0 {
            let items = count(self.failed_items, "item", "items");
            write!(f, "; {items} in batches that did not succeed")?;
        }
        for failure in &self.failures {
            let last = failure.items.end.saturating_sub(1);
            let (index, first) = (failure.index, failure.items.start);
            let why = visible(&failure.why).indented(4);
            write!(f, "\n  batch {index} (items {first} to {last}): {why}")?;
        }
        let more = self.batches - self.succeeded - self.failures.len() as u64;
        if more > 0 {
            write!(f, "\n  and {more} more")?;
        }
        match &self.end {
            None | Some(BatchEnd::Complete) => Ok(()),
            Some(BatchEnd::StoppedOnFailure) => f.write_str("\n  stopped after a failure"),
            Some(BatchEnd::Cancelled) => f.write_str("\n  cancelled"),
            Some(BatchEnd::Broken(error)) => {
                write!(f, "\n  ended early: {}", visible(error).indented(4))
            }
        }
    }
}

impl BatchEnd {
    fn name(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::StoppedOnFailure => "stopped_on_failure",
            Self::Cancelled => "cancelled",
            Self::Broken(_) => "broken",
        }
    }
}

impl Serialize for BatchSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("BatchSummary", 14)?;
        out.serialize_field("pipeline", self.pipeline)?;
        out.serialize_field("batches", &self.batches)?;
        out.serialize_field("items", &self.items)?;
        out.serialize_field("succeeded", &self.succeeded)?;
        out.serialize_field("failed", &self.failed)?;
        out.serialize_field("stopped", &self.stopped)?;
        out.serialize_field("cancelled", &self.cancelled)?;
        out.serialize_field("timed_out", &self.timed_out)?;
        out.serialize_field("failed_items", &self.failed_items)?;
        out.serialize_field("failures", &self.failures)?;
        out.serialize_field("elapsed_seconds", &self.elapsed.as_secs_f64())?;
        out.serialize_field("items_per_second", &self.items_per_second())?;
        out.serialize_field("end", &self.end.as_ref().map(BatchEnd::name))?;
        out.serialize_field("error", &self.error().map(ToString::to_string))?;
        out.end()
    }
}

impl Serialize for BatchFailure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("BatchFailure", 5)?;
        out.serialize_field("batch", &self.index)?;
        out.serialize_field("first_item", &self.items.start)?;
        out.serialize_field("items", &(self.items.end - self.items.start))?;
        out.serialize_field("status", &self.status)?;
        out.serialize_field("why", &self.why)?;
        out.end()
    }
}
