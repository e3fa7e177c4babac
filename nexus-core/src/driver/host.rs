//! The events of this process, which others run by their names.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use super::task::{LocalTask, TaskEvent, TaskKind, Work};
use crate::engine::EngineBuilder;
use crate::event::{Param, ParamKind};
use crate::observe::Observer;
use crate::outcome::Exception;
use crate::registry::Registry;
use crate::remote::{Received, TaskHost};
use crate::retry::ErrorType;
use crate::sync::{Mutex, lock};
use crate::telemetry::TraceContext;
use crate::value::Value;
use crate::wire::Owned;

/// The events that this process can run, by name, and the resources that they take.
///
/// ```
/// use nexus_core::driver::EventHost;
/// use nexus_core::{Context, Outcome, Registry};
/// let mut registry = Registry::new();
/// registry.event("greet", |_: &Context| Outcome::success("hello".to_owned())).output_json();
/// let host = EventHost::new(registry).state(7_u32);
/// assert_eq!(host.events(), ["greet"]);
/// ```
pub struct EventHost {
    host: Mutex<TaskHost>,
    pub(super) observers: Vec<Arc<dyn Observer>>,
}

impl EventHost {
    /// A host of these events; those that are linked into the program are in
    /// [`Registry::linked`].
    pub fn new(registry: Registry) -> Self {
        Self { host: Mutex::new(TaskHost::named(registry)), observers: Vec::new() }
    }

    /// Gives the events that take a `State<T>` this one. Of a type that implements
    /// [`StateFactory`](crate::StateFactory) the host builds one itself when a task first takes it.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        lock(&self.host).add_state(TypeId::of::<T>(), Value::new(state));
        self
    }

    /// Takes over the resources and the observers of an engine that is set up like this.
    #[must_use]
    pub fn set_up_like(mut self, engine: &EngineBuilder) -> Self {
        for (id, state) in engine.resources() {
            lock(&self.host).add_state(id, state.clone());
        }
        self.observers.extend_from_slice(engine.observers());
        self
    }

    /// Has the attempts observed whose bodies run here, those of a machine's own
    /// [tasks](super::RunMachine::task) as well. Of a run that is driven elsewhere an observer is
    /// told no more than [`event_execution_received`](Observer::event_execution_received), that a body
    /// [runs](Observer::event_body_enter), and the attempt's [end](Observer::event_execution_end).
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// The names of the events.
    pub fn events(&self) -> Vec<String> {
        lock(&self.host).registry().own_names().into_iter().map(str::to_owned).collect()
    }

    /// The task of a request, which [`RunMachine::request`](super::RunMachine::request) has
    /// written. One that cannot be read, or is for an event that is not here, is a task as well:
    /// its outcome says so.
    pub fn task(&self, request: &str) -> LocalTask {
        self.receive(request, TaskKind::Body, None)
    }

    /// The same where the request has come with a place in a trace, such as the header `traceparent`: the
    /// event knows it as [`Context::traceparent`](crate::Context::traceparent), and so does an observer.
    pub fn task_in(&self, request: &str, trace: TraceContext) -> LocalTask {
        self.receive(request, TaskKind::Body, Some(trace))
    }

    /// The same of the event's bypass check.
    pub fn check(&self, request: &str) -> LocalTask {
        self.receive(request, TaskKind::Check, None)
    }

    fn receive(&self, request: &str, kind: TaskKind, trace: Option<TraceContext>) -> LocalTask {
        let mut json = serde_json::Deserializer::from_str(request);
        let mut host = lock(&self.host);
        if let Some(trace) = trace {
            host.trace_next(trace);
        }
        let received = host.receive(Owned::new(&mut json));
        drop(host);
        let work = received.map(|received| {
            let Received { event, input, context, errors } = received;
            Work { event: TaskEvent::Loaded(event), input, context, errors }
        });
        LocalTask::new(kind, work).observed_by(&self.observers)
    }

    /// The resource that a parameter takes.
    pub(super) fn state_of(&self, param: &Param) -> Result<Value, Exception> {
        debug_assert!(param.kind == ParamKind::State);
        lock(&self.host).state_of(param)
    }

    /// The error types that policies of the program list.
    pub(super) fn errors(&self) -> Arc<[ErrorType]> {
        lock(&self.host).errors()
    }
}

impl fmt::Debug for EventHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventHost").field(&self.events()).finish()
    }
}
