//! Setting an engine up.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
#[cfg(feature = "durable")]
use std::time::Duration;

use super::shared::Mock;
#[cfg(feature = "durable")]
use super::stepped::Stepped;
#[cfg(feature = "durable")]
use crate::journal::Store;
use crate::observe::Observer;
#[cfg(feature = "durable")]
use crate::plan::Plan;
use crate::time::{Clock, SystemClock};
use crate::value::{TypeInfo, Value};

/// Sets an [`Engine`](crate::Engine) up.
#[must_use = "a builder does nothing until `build`"]
pub struct EngineBuilder {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) resources: HashMap<TypeId, Value>,
    duplicates: Vec<String>,
    pub(super) observers: Vec<Arc<dyn Observer>>,
    pub(super) mocks: HashMap<String, Mock>,
    pub(super) step_timings: bool,
    pub(super) seed: Option<u64>,
    #[cfg(feature = "durable")]
    pub(super) store: Option<Arc<dyn Store>>,
    #[cfg(feature = "durable")]
    pub(super) resumable: Vec<Arc<Plan>>,
    #[cfg(feature = "durable")]
    pub(super) keep_finished: Option<Duration>,
    #[cfg(feature = "durable")]
    pub(super) stepped: Option<Stepped>,
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
            #[cfg(feature = "durable")]
            store: None,
            #[cfg(feature = "durable")]
            resumable: Vec::new(),
            #[cfg(feature = "durable")]
            keep_finished: None,
            #[cfg(feature = "durable")]
            stepped: None,
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

    /// The resources, for a host of events without an engine.
    #[cfg(feature = "durable")]
    pub(crate) fn resources(&self) -> impl Iterator<Item = (TypeId, &Value)> {
        self.resources.iter().map(|(id, resource)| (*id, resource))
    }

    /// The observers, for a host of events without an engine.
    #[cfg(feature = "durable")]
    pub(crate) fn observers(&self) -> &[Arc<dyn Observer>] {
        &self.observers
    }

    /// Adds an observer; several may listen.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
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

    /// Keeps the records of runs in this store, so that they outlive the process: those of durable
    /// pipelines, and those that are given a [key](crate::Prepared::key).
    ///
    /// ```
    /// use nexus_core::{Engine, journal::MemoryStore};
    /// let engine = Engine::builder().store(MemoryStore::new()).build()?;
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    #[cfg(feature = "durable")]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Says which flow the runs of a plan made at run time go on with when they are
    /// [resumed](crate::Engine::resume). Pipelines of `#[derive(Pipeline)]` need not be named.
    #[cfg(feature = "durable")]
    pub fn resumable(mut self, plan: &Arc<Plan>) -> Self {
        self.resumable.push(Arc::clone(plan));
        self
    }

    /// Removes runs from the store when they were over for so long: when the engine begins, and then
    /// now and then. Without it, all are kept until somebody calls
    /// [`Engine::prune`](crate::Engine::prune).
    ///
    /// Keep them for longer than somebody may ask for the same thing again: a key whose run was
    /// removed is free.
    #[cfg(feature = "durable")]
    pub fn keep_finished(mut self, time: Duration) -> Self {
        self.keep_finished = Some(time);
        self
    }

    /// Makes an engine without threads, which somebody advances step by step.
    #[cfg(feature = "durable")]
    pub(crate) fn stepped(mut self, stepped: Stepped) -> Self {
        self.stepped = Some(stepped);
        self
    }

    /// Gives the engine a resource that is there already.
    #[cfg(feature = "durable")]
    pub(crate) fn resource(mut self, ty: TypeId, resource: Value) -> Self {
        self.resources.insert(ty, resource);
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
