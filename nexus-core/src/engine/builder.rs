//! Setting an engine up.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::shared::Mock;
use crate::observe::Observer;
use crate::time::{Clock, SystemClock};
use crate::value::{TypeInfo, Value};

/// Sets an [`Engine`](crate::Engine) up.
#[must_use = "a builder does nothing until `build`"]
pub struct EngineBuilder {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) resources: HashMap<TypeId, Value>,
    duplicates: Vec<String>,
    pub(super) observers: Vec<Box<dyn Observer>>,
    pub(super) mocks: HashMap<String, Mock>,
    pub(super) step_timings: bool,
    pub(super) seed: Option<u64>,
}

impl Default for EngineBuilder {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            resources: HashMap::new(),
            duplicates: Vec::new(),
            observers: Vec::new(),
            mocks: HashMap::new(),
            step_timings: true,
            seed: None,
        }
    }
}

impl EngineBuilder {
    /// Gives the engine a resource; events take it as `State<T>`.
    pub fn state<T: Send + Sync + 'static>(mut self, resource: T) -> Self {
        if self.resources.insert(TypeId::of::<T>(), Value::new(resource)).is_some() {
            self.duplicates.push(TypeInfo::of::<T>().name());
        }
        self
    }

    /// Adds an observer; several may listen.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Replaces the system's clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Whether reports say how long each step took; on by default. Without it a step that runs in
    /// this thread reads no clock, which is a third of what a step costs that does nothing.
    pub fn step_timings(mut self, measure: bool) -> Self {
        self.step_timings = measure;
        self
    }

    /// Makes run ids and jitter repeatable.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    pub(crate) fn mock(mut self, event: String, mock: Mock) -> Self {
        self.mocks.insert(event, mock);
        self
    }

    /// The name of a resource type that was given twice.
    pub(super) fn duplicate_state(&self) -> Option<&str> {
        self.duplicates.first().map(String::as_str)
    }
}

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder")
            .field("clock", &self.clock)
            .field("observers", &self.observers.len())
            .finish_non_exhaustive()
    }
}
