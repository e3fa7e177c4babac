//! Where the records of runs are kept: the trait [`Store`], and what it is given.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::action::ActionTaken;
use super::json;
use super::query::{Cursor, RunQuery};
use super::request::Request;
use super::state::{RunCounts, RunState};
use super::timestamp::Timestamp;
use crate::error::StoreError;
use crate::plan::FlowRecord;
use crate::report::Status;

/// How a run began: all that is needed to begin it again.
///
/// As JSON it is an object of these fields, with the inputs as what they are; so it can be the input of a
/// workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunStart {
    /// The run's key, unique in its store.
    pub key: Arc<str>,
    /// The pipeline's name.
    pub pipeline: Arc<str>,
    /// The flow that it began with.
    pub flow: Arc<FlowRecord>,
    /// The pipeline's fields, a JSON object.
    #[serde(with = "json")]
    pub inputs: String,
    /// When it began.
    pub at: Timestamp,
    /// When its timeout is over, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// The key of the run whose event began this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

/// Something that happened to a run, as it is written down.
///
/// As JSON it is an object of these fields, with the body as what it is. A record of the kind
/// [`Traced`](RecordKind::Traced), which no driver elsewhere makes, has a body that is no JSON, and is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its place among the records of its run, from 1 and without gaps.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub kind: RecordKind,
    /// The step that it happened to, as a place in [`FlowRecord::steps`]; none for the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// The attempt, from 1; zero for the whole run.
    #[serde(default)]
    pub attempt: u32,
    /// The item of an `each` step, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u64>,
    /// More about it, as JSON: how an attempt ended, what a check answered. Empty if there is no more.
    #[serde(default, skip_serializing_if = "String::is_empty", with = "json")]
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
    /// Somebody has decided that the run goes on with another flow, from where its records leave it.
    Adopted,
    /// Somebody has decided that the run begins again; what was recorded before is history.
    Restarted,
    /// Somebody outside has said how a task ends that is pending.
    Resolved,
    /// Somebody has decided that the run, which was over, goes on from what failed; or from a step.
    Retried,
    /// The trace that the run began in: its body is a W3C `traceparent`. The first record, if somebody
    /// traces the run.
    Traced,
}

impl RecordKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Completed,
        Self::Computed,
        Self::Checked,
        Self::Woken,
        Self::TimedOut,
        Self::Halted,
        Self::Adopted,
        Self::Restarted,
        Self::Resolved,
        Self::Retried,
        Self::Traced,
    ];

    /// The kind as a store writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Computed => "computed",
            Self::Checked => "checked",
            Self::Woken => "woken",
            Self::TimedOut => "timed_out",
            Self::Halted => "halted",
            Self::Adopted => "adopted",
            Self::Restarted => "restarted",
            Self::Resolved => "resolved",
            Self::Retried => "retried",
            Self::Traced => "traced",
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
    /// A run goes on with this flow, and can go on; or it begins again with it. It is not over any
    /// more.
    Revise {
        /// The run.
        key: Arc<str>,
        /// Which of these: [`Adopted`](RecordKind::Adopted), [`Restarted`](RecordKind::Restarted) or
        /// [`Retried`](RecordKind::Retried).
        record: Record,
        /// The flow. The steps of the records from this one on are its steps.
        flow: Arc<FlowRecord>,
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
            Self::Record { key, .. }
            | Self::Revise { key, .. }
            | Self::End { key, .. }
            | Self::Decision { key, .. } => key,
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
    /// Where somebody has decided that it goes on with another flow or begins again, in order.
    pub revisions: Vec<Revision>,
}

/// A point from which on a run goes by another flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The record that says so.
    pub seq: u64,
    /// When that was.
    pub at: Timestamp,
    /// Whether the run went on, [`Adopted`](RecordKind::Adopted), began again,
    /// [`Restarted`](RecordKind::Restarted), or went on from what failed,
    /// [`Retried`](RecordKind::Retried).
    pub kind: RecordKind,
    /// The flow.
    pub flow: Arc<FlowRecord>,
}

impl StoredRun {
    /// A run that has just begun.
    pub fn new(start: RunStart) -> Self {
        Self {
            start,
            state: RunState::Unfinished,
            ended_at: None,
            reason: None,
            records: 0,
            revisions: Vec::new(),
        }
    }

    /// The flow that it goes on with: the one that it began with, unless somebody has decided
    /// otherwise.
    pub fn flow(&self) -> &Arc<FlowRecord> {
        self.revisions.last().map_or(&self.start.flow, |revision| &revision.flow)
    }

    /// Where it stands in a list, for [`RunQuery::after`].
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.start.at, key: Arc::clone(&self.start.key) }
    }

    /// Where it began again last, if it did: all that counts was recorded after that.
    pub(crate) fn restart(&self) -> Option<&Revision> {
        self.revisions.iter().rfind(|revision| revision.kind == RecordKind::Restarted)
    }

    /// Since when its timeout counts.
    pub(crate) fn timed_from(&self) -> Timestamp {
        let counts = |revision: &&Revision| revision.kind != RecordKind::Adopted;
        self.revisions.iter().rfind(counts).map_or(self.start.at, |revision| revision.at)
    }

    /// Whether it is not over, and not damaged.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, RunState::Unfinished | RunState::NeedsDecision)
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

    /// How many runs there are of each state, of those that the query asks for; its cursor and its
    /// limit do not count. A damaged run may be counted as what it was before.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn counts(&self, query: &RunQuery) -> Result<RunCounts, StoreError>;

    /// Leaves a request for the store's owner, from whatever process.
    ///
    /// # Errors
    ///
    /// If the store cannot be written to.
    fn request(&self, request: &Request) -> Result<(), StoreError>;

    /// The requests that were left and are not removed, in their order, each with a number by which
    /// it is removed. Those that this version does not know are left out: they stay for an owner that
    /// does.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn requests(&self) -> Result<Vec<(u64, Request)>, StoreError>;

    /// Removes the request with this number: it is done, or cannot be done. The owner removes it
    /// afterwards, so that one whose process dies meanwhile is done by the next.
    ///
    /// # Errors
    ///
    /// If the store cannot be written to.
    fn remove_request(&self, number: u64) -> Result<(), StoreError>;

    /// Writes down what somebody has done to a run or a schedule, from whatever process. A store that has
    /// no place for that keeps nothing of it.
    ///
    /// # Errors
    ///
    /// If the store cannot be written to.
    fn note(&self, action: &ActionTaken) -> Result<(), StoreError> {
        _ = action;
        Ok(())
    }

    /// What people have done to the run or the schedule of this name, or to all: the last first, and at
    /// most so many.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn actions(&self, key: Option<&str>, most: usize) -> Result<Vec<ActionTaken>, StoreError> {
        _ = (key, most);
        Ok(Vec::new())
    }

    /// Removes these runs, which must be over or damaged, with their records and what
    /// people have done to them. Gives how many there were.
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
    fn counts(&self, query: &RunQuery) -> Result<RunCounts, StoreError> {
        (**self).counts(query)
    }
    fn request(&self, request: &Request) -> Result<(), StoreError> {
        (**self).request(request)
    }
    fn requests(&self) -> Result<Vec<(u64, Request)>, StoreError> {
        (**self).requests()
    }
    fn remove_request(&self, number: u64) -> Result<(), StoreError> {
        (**self).remove_request(number)
    }
    fn note(&self, action: &ActionTaken) -> Result<(), StoreError> {
        (**self).note(action)
    }
    fn actions(&self, key: Option<&str>, most: usize) -> Result<Vec<ActionTaken>, StoreError> {
        (**self).actions(key, most)
    }
    fn remove(&self, keys: &[Arc<str>]) -> Result<usize, StoreError> {
        (**self).remove(keys)
    }
}
