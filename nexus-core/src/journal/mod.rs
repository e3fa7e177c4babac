//! Durable runs: what is written down of a run, and where.
//!
//! The run core is deterministic, so the record of a run is the list of notifications that were
//! applied to it, and nothing else. Each is safe in a [`Store`] before its consequences are acted
//! on; feeding the list to a fresh run brings the run back, whatever ended the process.

mod body;
mod history;
mod linked;
mod memory;
mod replay;
mod request;
mod store;

pub use crate::error::StoreError;
pub(crate) use body::{Body, checked_json, completed_json, exception_json};
pub use history::{
    AttemptEnd, AttemptHistory, HaltCause, History, ItemCounts, Span, StepHistory,
};
#[doc(hidden)]
pub use linked::LinkedPipeline;
pub use memory::MemoryStore;
pub(crate) use replay::{Replay, each_record};
pub use request::Request;
pub use store::{
    Change, FlowRecord, FlowStep, Record, RecordKind, RunQuery, RunStart, RunState, Store,
    StoredRun, Timestamp,
};
