//! Which faults a simulation injects, and how often.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::failure::Exception;
use crate::value::Value;

/// What faults there are.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) crashes: f64,
    pub(super) lost_workers: f64,
    pub(super) timeouts: f64,
    pub(super) cancels: f64,
    pub(super) retries: f64,
    pub(super) clock_jumps: f64,
    pub(super) exceptions: Vec<(f64, MakeException)>,
    /// Faults may come where nothing is left to try.
    pub(super) unhandled: bool,
    pub(super) downtime: Duration,
    pub(super) runs: usize,
    pub(super) compare_outputs: bool,
    pub(super) states: Vec<(TypeId, MakeState)>,
    /// What pending steps of an event are resolved with, as JSON.
    pub(super) resolves: Vec<(String, MakeJson)>,
}

pub(super) type MakeException = Arc<dyn Fn() -> Exception + Send + Sync>;
pub(super) type MakeJson = Arc<dyn Fn() -> String + Send + Sync>;
pub(super) type MakeState = Arc<dyn Fn() -> Value + Send + Sync>;

impl Settings {
    pub(super) fn new() -> Self {
        Self {
            crashes: 0.0,
            lost_workers: 0.0,
            timeouts: 0.0,
            cancels: 0.0,
            retries: 0.0,
            clock_jumps: 0.0,
            exceptions: Vec::new(),
            unhandled: false,
            downtime: Duration::from_secs(2),
            runs: 1,
            compare_outputs: true,
            states: Vec::new(),
            resolves: Vec::new(),
        }
    }

    /// The same without any fault.
    pub(super) fn without_faults(&self) -> Self {
        Self {
            downtime: self.downtime,
            runs: self.runs,
            compare_outputs: self.compare_outputs,
            states: self.states.clone(),
            resolves: self.resolves.clone(),
            ..Self::new()
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("crashes", &self.crashes)
            .field("lost_workers", &self.lost_workers)
            .field("timeouts", &self.timeouts)
            .field("cancels", &self.cancels)
            .field("retries", &self.retries)
            .field("clock_jumps", &self.clock_jumps)
            .field("exceptions", &self.exceptions.len())
            .field("unhandled", &self.unhandled)
            .field("downtime", &self.downtime)
            .field("runs", &self.runs)
            .finish_non_exhaustive()
    }
}
