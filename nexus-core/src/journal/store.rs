//! Where the records of runs are kept: the trait [`Store`], and what it is given.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::request::Request;
use crate::error::StoreError;
use crate::hash::Fnv128;
use crate::report::Status;

/// A point in time by the wall clock: microseconds since 1970 began, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time that is so long after the beginning of 1970.
    pub fn since_epoch(time: Duration) -> Self {
        Self(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
    }

    /// The time so long after this one.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(Self::since_epoch(time).0))
    }

    /// How long this is after `earlier`; zero if it is before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// How a run began: all that is needed to begin it again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunStart {
    /// The run's key, unique in its store.
    pub key: Arc<str>,
    /// The pipeline's name.
    pub pipeline: Arc<str>,
    /// The flow that it began with.
    pub flow: Arc<FlowRecord>,
    /// The pipeline's fields, a JSON object.
    pub inputs: String,
    /// When it began.
    pub at: Timestamp,
    /// When its timeout is over, if it has one.
    pub deadline: Option<Timestamp>,
    /// The key of the run whose event began this one.
    pub parent: Option<Arc<str>>,
}

impl RunStart {
    /// A run of a pipeline, with its inputs as a JSON object.
    pub fn new(
        key: impl Into<Arc<str>>,
        pipeline: impl Into<Arc<str>>,
        flow: Arc<FlowRecord>,
        inputs: String,
        at: Timestamp,
    ) -> Self {
        let (key, pipeline) = (key.into(), pipeline.into());
        Self { key, pipeline, flow, inputs, at, deadline: None, parent: None }
    }
}

/// A flow as a run began with it. All runs of a plan share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FlowRecord {
    /// The flow in the Pointy language.
    pub script: String,
    /// Its steps, in script order: a record names them by their place in this list.
    pub steps: Vec<FlowStep>,
}

impl FlowRecord {
    /// The hash of all that it consists of, with 128 bits, the same on every machine: a store keeps
    /// equal flows once.
    pub fn digest(&self) -> u128 {
        let mut hash = Fnv128::new();
        hash.write(self.script.as_bytes());
        for FlowStep { path, event, version } in &self.steps {
            hash.write(path.as_bytes());
            hash.write(event.as_bytes());
            hash.write(&version.to_be_bytes());
        }
        hash.0
    }
}

/// A step of a recorded flow.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FlowStep {
    /// Its place in the flow, such as `validate_order/1/process_payment`.
    pub path: String,
    /// The event's name.
    pub event: String,
    /// The event's `version`.
    pub version: u32,
}

/// Something that happened to a run, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place among the records of its run, from 1 and without gaps.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub kind: RecordKind,
    /// The step that it happened to, as a place in [`FlowRecord::steps`]; none for the whole run.
    pub step: Option<u32>,
    /// The attempt, from 1; zero for the whole run.
    pub attempt: u32,
    /// The item of an `each` step, from 0.
    pub item: Option<u64>,
    /// More about it, as JSON: how an attempt ended, what a check answered.
    pub body: String,
}

/// What kind of thing happened to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecordKind {
    /// An attempt has ended.
    Completed,
    /// An attempt of an event with `checkpoint = false` has ended; how, is computed again.
    Computed,
    /// A bypass check has answered.
    Checked,
    /// A wait before a retry is over.
    Woken,
    /// An attempt has had its time.
    TimedOut,
    /// The run was ended from outside: cancelled, or its time was over.
    Halted,
}

impl RecordKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Completed, Self::Computed, Self::Checked, Self::Woken, Self::TimedOut, Self::Halted];

    /// The kind as a store writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Computed => "computed",
            Self::Checked => "checked",
            Self::Woken => "woken",
            Self::TimedOut => "timed_out",
            Self::Halted => "halted",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a store is to write down.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A run begins.
    Start(RunStart),
    /// Something happened to a run.
    Record {
        /// The run.
        key: Arc<str>,
        /// What happened.
        record: Record,
    },
    /// A run is over.
    End {
        /// The run.
        key: Arc<str>,
        /// When.
        at: Timestamp,
        /// How.
        status: Status,
    },
    /// A run cannot go on before somebody decides what becomes of it; or, without a reason, it can
    /// again.
    Decision {
        /// The run.
        key: Arc<str>,
        /// Why it cannot go on.
        reason: Option<String>,
    },
}

impl Change {
    /// The run that it is about.
    pub fn key(&self) -> &Arc<str> {
        match self {
            Self::Start(start) => &start.key,
            Self::Record { key, .. } | Self::End { key, .. } | Self::Decision { key, .. } => key,
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunState {
    /// It is not over: it runs, or can be resumed.
    Unfinished,
    /// It is not over, and cannot go on before somebody decides.
    NeedsDecision,
    /// It is over.
    Ended(Status),
    /// What is written of it is damaged.
    Damaged,
}

impl RunState {
    /// The state in a word, as a store and the command line write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::NeedsDecision => "needs_decision",
            Self::Ended(status) => status.name(),
            Self::Damaged => "damaged",
        }
    }
}

/// A run as a store has it, without its records.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredRun {
    /// How it began.
    pub start: RunStart,
    /// How far it is.
    pub state: RunState,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// Why it needs a decision, or what of it is damaged.
    pub reason: Option<String>,
    /// How many records it has.
    pub records: u64,
}

impl StoredRun {
    /// A run that has just begun.
    pub fn new(start: RunStart) -> Self {
        Self { start, state: RunState::Unfinished, ended_at: None, reason: None, records: 0 }
    }

    /// Whether it is not over, and not damaged.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, RunState::Unfinished | RunState::NeedsDecision)
    }
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a query does nothing by itself"]
pub struct RunQuery {
    /// Only those in this state.
    pub state: Option<RunState>,
    /// Only those of this pipeline.
    pub pipeline: Option<String>,
    /// Only those that began before this, for paging.
    pub before: Option<Timestamp>,
    /// At most so many; all where it is `None`.
    pub limit: Option<usize>,
}

impl RunQuery {
    /// All runs.
    pub fn all() -> Self {
        Self::default()
    }

    /// The runs that are not over, those that need a decision not among them.
    pub fn unfinished() -> Self {
        Self { state: Some(RunState::Unfinished), ..Self::default() }
    }
}

/// Keeps the records of runs safe: a file, a database.
///
/// A store has one owner at a time, and the owner calls [`commit`](Self::commit) from one thread at
/// a time; the other functions may be called from any thread meanwhile.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Writes the changes down in their order, all of them or none. When it returns `Ok` they are
    /// safe, as safe as the store promises.
    ///
    /// # Errors
    ///
    /// [`Refused`](StoreError::Refused) if one of them does not fit what the store has, which changes
    /// nothing. Otherwise, if they could not be written; then nothing is written to the store any
    /// more, since what a failed sync leaves behind cannot be known.
    fn commit(&self, changes: &[Change]) -> Result<(), StoreError>;

    /// The run with this key, if there is one.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn run(&self, key: &str) -> Result<Option<StoredRun>, StoreError>;

    /// The records of a run in their order, those after `seq`, and at most so many.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or one of these records is damaged.
    fn records(&self, key: &str, after: u64, most: usize) -> Result<Vec<Record>, StoreError>;

    /// The runs that the query asks for, those that began last first. A damaged run is listed as
    /// such, and keeps no other from being listed.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn runs(&self, query: &RunQuery) -> Result<Vec<StoredRun>, StoreError>;

    /// Leaves a request for the store's owner, from whatever process.
    ///
    /// # Errors
    ///
    /// If the store cannot be written to.
    fn request(&self, request: &Request) -> Result<(), StoreError>;

    /// The requests that were left, in their order, which are gone with this call.
    ///
    /// # Errors
    ///
    /// If the store cannot be read or written to.
    fn take_requests(&self) -> Result<Vec<Request>, StoreError>;

    /// Removes these runs, which must be over or damaged, with their records. Gives how many there were.
    ///
    /// # Errors
    ///
    /// If one of them is neither, or the store cannot be written to; then none is removed.
    fn remove(&self, keys: &[Arc<str>]) -> Result<usize, StoreError>;
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        (**self).commit(changes)
    }
    fn run(&self, key: &str) -> Result<Option<StoredRun>, StoreError> {
        (**self).run(key)
    }
    fn records(&self, key: &str, after: u64, most: usize) -> Result<Vec<Record>, StoreError> {
        (**self).records(key, after, most)
    }
    fn runs(&self, query: &RunQuery) -> Result<Vec<StoredRun>, StoreError> {
        (**self).runs(query)
    }
    fn request(&self, request: &Request) -> Result<(), StoreError> {
        (**self).request(request)
    }
    fn take_requests(&self) -> Result<Vec<Request>, StoreError> {
        (**self).take_requests()
    }
    fn remove(&self, keys: &[Arc<str>]) -> Result<usize, StoreError> {
        (**self).remove(keys)
    }
}
