//! Durable runs: what is written down of a run, and where.
//!
//! The run core is deterministic, so the record of a run is the list of notifications that were
//! applied to it, and nothing else. Each is safe in a [`Store`] before its consequences are acted
//! on; feeding the list to a fresh run brings the run back, whatever ended the process.

mod action;
mod answer;
mod body;
mod history;
mod json;
mod linked;
mod memory;
mod query;
mod replay;
mod request;
mod state;
mod steps;
mod store;
mod timestamp;

pub use crate::error::StoreError;
pub use crate::plan::{FlowRecord, FlowStep};
pub use action::ActionTaken;
pub(crate) use answer::Answer;
pub(crate) use body::{Body, Told, checked_json, completed_json, exception_json};
pub use history::{AttemptEnd, AttemptHistory, HaltCause, History, ItemCounts, Span, StepHistory};
#[doc(hidden)]
pub use linked::LinkedPipeline;
pub use memory::MemoryStore;
pub use query::{Cursor, RunQuery};
pub(crate) use replay::{Replay, each_record};
pub use request::Request;
pub use state::{RunCounts, RunState};
pub(crate) use steps::Steps;
pub use store::{Change, Record, RecordKind, Revision, RunStart, Store, StoredRun};
pub use timestamp::Timestamp;
