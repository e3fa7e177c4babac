//! Durable runs: what is written down of a run, and where.
//!
//! The run core is deterministic, so the record of a run is the list of notifications that were
//! applied to it, and nothing else. Each is safe in a [`Store`] before its consequences are acted
//! on; feeding the list to a fresh run brings the run back, whatever ended the process.

mod memory;
mod store;

pub use memory::MemoryStore;
pub use store::{
    Change, FlowRecord, FlowStep, Record, RecordKind, Request, RunQuery, RunStart, RunState, Store,
    StoreError, StoredRun, Timestamp,
};
