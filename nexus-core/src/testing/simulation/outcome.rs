//! What a simulation found.

use std::any::{Any, TypeId};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::trace::Trace;
use crate::report::Report;
use crate::value::Value;

/// A run that a simulation has brought to its end, whatever happened; it has the methods of its
/// [`Report`].
#[derive(Debug)]
pub struct SimulatedRun {
    pub(super) report: Report,
    pub(super) seed: u64,
    pub(super) deaths: u32,
    pub(super) faults: u64,
    pub(super) is_disturbed: bool,
    pub(super) trace: Arc<Trace>,
    pub(super) states: Vec<(TypeId, Value)>,
}

impl SimulatedRun {
    /// The report.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The seed that decided what happened.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How often the process died.
    pub fn crashes(&self) -> u32 {
        self.deaths
    }

    /// How many faults there were beside: exceptions, lost workers, timeouts, cancellations.
    pub fn faults(&self) -> u64 {
        self.faults
    }

    /// Whether a fault was left unhandled, or somebody has ended the run: then it may have ended in
    /// another way than without faults.
    pub fn is_disturbed(&self) -> bool {
        self.is_disturbed
    }

    /// What happened.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// What [`Simulation::state`](super::Simulation::state) has made for this seed.
    pub fn state<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let (_, value) = self.states.iter().find(|(ty, _)| *ty == TypeId::of::<T>())?;
        value.arc()
    }
}

impl Deref for SimulatedRun {
    type Target = Report;

    fn deref(&self) -> &Report {
        &self.report
    }
}

/// How often a simulation did what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimulationSummary {
    /// So many seeds.
    pub seeds: u64,
    /// So often a process died.
    pub crashes: u64,
    /// So many faults beside: exceptions, lost workers, timeouts, cancellations.
    pub faults: u64,
    /// So many runs had a fault that was left unhandled.
    pub disturbed: u64,
}

impl std::ops::AddAssign for SimulationSummary {
    fn add_assign(&mut self, more: Self) {
        self.seeds += more.seeds;
        self.crashes += more.crashes;
        self.faults += more.faults;
        self.disturbed += more.disturbed;
    }
}

impl fmt::Display for SimulationSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, crashes, faults, disturbed } = self;
        write!(
            f,
            "{seeds} seeds, {crashes} crashes, {faults} other faults, {disturbed} runs disturbed"
        )
    }
}

/// What must not have happened, and how to see it again.
#[derive(Debug, Clone)]
pub struct SimulationError {
    pub(super) seed: u64,
    pub(super) violation: String,
    pub(super) trace: Trace,
}

impl SimulationError {
    /// The seed that found it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What must not have happened.
    pub fn violation(&self) -> &str {
        &self.violation
    }

    /// What happened before.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }
}

impl fmt::Display for SimulationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, violation, trace } = self;
        writeln!(f, "{violation}")?;
        let thread = std::thread::current();
        let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
        writeln!(f, "again: {}={seed} cargo test {test}", super::SEED_VARIABLE)?;
        write!(f, "trace of seed {seed}:\n{trace}")
    }
}

impl std::error::Error for SimulationError {}

/// What became of the steps of a run, without how long they took.
pub(super) fn steps(report: &Report) -> serde_json::Value {
    let mut json = serde_json::to_value(report).unwrap_or_default();
    let mut steps = json["steps"].take();
    for step in steps.as_array_mut().into_iter().flatten() {
        if let Some(step) = step.as_object_mut() {
            step.retain(|key, _| key != "seconds");
        }
    }
    steps
}

/// The same without what faults may change although they are handled.
pub(super) fn ends(report: &Report) -> serde_json::Value {
    let mut steps = steps(report);
    for step in steps.as_array_mut().into_iter().flatten() {
        if let Some(step) = step.as_object_mut() {
            step.retain(|key, _| key != "attempts" && key != "wait_seconds");
        }
    }
    steps
}
