//! What is simulated, and what became of it.

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use super::settings::Settings;
use super::trace::Trace;
use crate::error::Result;
use crate::plan::Plan;
use crate::report::Report;
use crate::value::Value;

/// What is to be simulated.
pub(super) struct Case<'a> {
    pub(super) plan: &'a Plan,
    pub(super) settings: &'a Settings,
    pub(super) seed: u64,
    pub(super) keys: &'a [Arc<str>],
    /// What outlives the processes.
    pub(super) states: &'a [(TypeId, Value)],
    pub(super) fields: &'a dyn Fn() -> Result<Vec<Value>>,
    pub(super) timeout: Option<Duration>,
}

/// What became of it.
pub(super) struct Lived {
    /// Of each run, unless there is a violation.
    pub(super) reports: Vec<Report>,
    /// Whether a fault was left unhandled, so that a run may end in another way than without faults.
    pub(super) disturbed: Vec<bool>,
    pub(super) deaths: u32,
    pub(super) faults: u64,
    pub(super) trace: Trace,
    pub(super) violation: Option<String>,
}
