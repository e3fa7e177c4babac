//! Running a task that another process has sent: the far side of an executor of remote bodies.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde::de::DeserializeSeed;
use serde::{Deserializer, Serializer};

use crate::cancel::Children;
use crate::context::{Context, Names, RunHost, RunId, RunInfo};
use crate::event::{Body, BodySource, EventDef, Inputs, OwnValues};
use crate::outcome::{Exception, ExceptionKind, TaskOutcome};
use crate::panic::{contain, drop_quietly};
use crate::registry::Registry;
use crate::retry::ErrorType;
use crate::time::{Clock, Wait};
use crate::value::Value;
use crate::wire::{Defined, ErrorClassifier, ReceivedTask, Reply, RequestSeed, Transfer, WirePart};

/// Runs tasks that another process of the same program has sent
/// ([`ClaimedTask::write_request`](crate::executor::ClaimedTask::write_request)), whatever the
/// format and the transport.
///
/// It finds a task's event among those that are linked into the program, makes the event's body
/// with its first task, and keeps it, as it keeps the resources that it has built
/// ([`StateFactory`](crate::StateFactory)).
pub struct TaskHost {
    registry: Registry,
    /// The error types that policies of the program list.
    errors: Arc<[ErrorType]>,
    events: HashMap<String, Arc<LoadedEvent>>,
    states: HashMap<TypeId, Value>,
}

/// An event with the fields that a flow sets on it.
struct LoadedEvent {
    def: EventDef,
    body: Arc<dyn Body>,
    /// For each parameter, the field or the state that it takes.
    slots: Box<[u32]>,
    field_names: Arc<[Arc<str>]>,
}

/// How a task ended that a [`TaskHost`] ran.
pub struct TaskReply(Ended);

enum Ended {
    Outcome {
        event: Arc<LoadedEvent>,
        outcome: TaskOutcome,
        errors: Arc<[ErrorType]>,
    },
    /// The task could not be run here.
    Refused(Exception),
}

impl TaskHost {
    /// A host of the events that are linked into this program.
    pub fn linked() -> Self {
        crate::panic::prepare();
        let registry = Registry::linked();
        Self {
            errors: registry.listed_errors().into(),
            registry,
            events: HashMap::new(),
            states: HashMap::new(),
        }
    }

    /// Runs the task that `request` describes. `progress` hears what its body says with
    /// [`Context::progress`](crate::Context::progress), from whatever thread. Never panics.
    pub fn run<D: Deserializer<'static>>(
        &mut self,
        request: D,
        progress: impl Fn(u64, u64) + Send + Sync + 'static,
    ) -> TaskReply {
        let seed = RequestSeed(|reference: &str| self.event(reference));
        // Deserialize is user code, and so are bodies and the building of states.
        let received = contain(|| seed.deserialize(request));
        let task = match received {
            Ok(Ok(Ok(task))) => task,
            Ok(Ok(Err(exception))) | Err(exception) => return TaskReply(Ended::Refused(exception)),
            Ok(Err(unreadable)) => return TaskReply(Ended::Refused(refusal(&unreadable))),
        };
        let event = Arc::clone(&task.event);
        let outcome = self.call(task, progress);
        let outcome = outcome.unwrap_or_else(TaskOutcome::Exception);
        TaskReply(Ended::Outcome { event, outcome, errors: Arc::clone(&self.errors) })
    }

    fn call(
        &mut self,
        task: ReceivedTask<Arc<LoadedEvent>>,
        progress: impl Fn(u64, u64) + Send + Sync + 'static,
    ) -> Result<TaskOutcome, Exception> {
        let ReceivedTask { header, event, fields, piped } = task;
        let (states, resources) = self.states_of(&event.def)?;
        let run: Arc<RunInfo> = Arc::new(RunInfo {
            id: RunId(header.run),
            fields,
            states,
            deadline: header.deadline,
            // A task that nobody wants any more dies with its process.
            cancelled: AtomicBool::new(false),
            children: Children::new(),
            host: OneStep {
                pipeline: header.pipeline.to_string(),
                event: Arc::clone(&event),
                path: header.path.to_string(),
                resources,
                clock: Since { base: header.now, start: Instant::now() },
                progress,
            },
        });
        let mut context = Context::new(run);
        context.attempt = header.attempt;
        context.item = header.item;
        let inputs = Inputs { slots: &event.slots, piped: piped.borrow(), context: &context };
        let outcome = contain(|| event.body.call(&inputs));
        drop(inputs);
        drop_quietly((context, piped));
        outcome
    }

    /// The states that the event takes, in order, and by type; builds those that are not there.
    fn states_of(
        &mut self,
        def: &EventDef,
    ) -> Result<(Vec<Value>, HashMap<TypeId, Value>), Exception> {
        let (mut states, mut by_type) = (Vec::new(), HashMap::new());
        for part in def.wire.parts {
            let Transfer::State(builder) = part.by else { continue };
            let id = builder.ty.id();
            let state = match self.states.get(&id) {
                Some(state) => state.clone(),
                None => contain(builder.build)??,
            };
            self.states.insert(id, state.clone());
            by_type.insert(id, state.clone());
            states.push(state);
        }
        Ok((states, by_type))
    }

    fn event(&mut self, reference: &str) -> Result<Arc<LoadedEvent>, Exception> {
        if let Some(event) = self.events.get(reference) {
            return Ok(Arc::clone(event));
        }
        let event = contain(|| LoadedEvent::find(&self.registry, reference))??;
        let event = Arc::new(event);
        self.events.insert(reference.to_owned(), Arc::clone(&event));
        Ok(event)
    }
}

fn refusal(unreadable: &impl ToString) -> Exception {
    Exception::of_kind(ExceptionKind::Serialization, unreadable.to_string())
}

impl TaskReply {
    /// The reply of a host that could not run the task, or could not write its outcome.
    pub fn exception(exception: Exception) -> Self {
        Self(Ended::Refused(exception))
    }

    /// Serialises how the task ended.
    ///
    /// # Errors
    ///
    /// If the value that the event yielded cannot be serialised: the exception to reply with
    /// instead ([`exception`](Self::exception)), which can always be written.
    pub fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, Exception> {
        match &self.0 {
            Ended::Refused(exception) => {
                Reply::write_exception(exception, serializer).map_err(|error| refusal(&error))
            }
            Ended::Outcome { event, outcome, errors } => {
                let policy = event.def.settings.retry.as_ref().and_then(|it| it.as_ref().ok());
                let classifier = ErrorClassifier { types: errors, policy };
                // Serialize is user code.
                contain(|| Reply { def: &event.def, outcome, classifier }.write(serializer))?
            }
        }
    }
}

impl fmt::Debug for TaskHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHost").field("events", &self.events.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for TaskReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskReply(..)")
    }
}

impl Drop for TaskReply {
    fn drop(&mut self) {
        // The value's Drop is user code.
        drop_quietly(std::mem::replace(
            &mut self.0,
            Ended::Refused(Exception::not_run(String::new())),
        ));
    }
}

impl Defined for Arc<LoadedEvent> {
    fn definition(&self) -> &EventDef {
        &self.def
    }
}

impl LoadedEvent {
    fn find(registry: &Registry, reference: &str) -> Result<Self, Exception> {
        let unknown = |why: &str| {
            let message = format!("a worker process cannot make the event `{reference}`: {why}");
            Exception::of_kind(ExceptionKind::Serialization, message)
        };
        let (def, own) = registry
            .find_reference(reference)
            .ok_or_else(|| unknown("no such event is linked into the program"))?;
        let script = format!("event{own}");
        let flow = nexus_pointy::parse(&script)
            .into_result()
            .map_err(|_| unknown("its fields cannot be read"))?;
        let unit = flow.links.first().and_then(|link| link.units.first());
        let attrs = unit.map_or(&[][..], |unit| &unit.attrs);
        let body = match &def.body {
            BodySource::Ready(body) => Arc::clone(body),
            BodySource::Fields(make) => make(&OwnValues(attrs)).map_err(|why| unknown(&why))?,
        };
        let (mut fields, mut states) = (0, 0);
        let next = |count: &mut u32| {
            *count += 1;
            *count - 1
        };
        let slot = |part: &WirePart| match part.by {
            Transfer::Value(_) => next(&mut fields),
            Transfer::State(_) => next(&mut states),
            _ => u32::MAX,
        };
        let slots = def.wire.parts.iter().map(slot).collect();
        let named = def.wire.parts.iter().filter(|part| matches!(part.by, Transfer::Value(_)));
        let field_names = named.map(|part| Arc::from(part.name)).collect();
        Ok(Self { def: def.clone(), body, slots, field_names })
    }
}

/// The one step of its flow that a host knows.
struct OneStep<F> {
    pipeline: String,
    event: Arc<LoadedEvent>,
    path: String,
    resources: HashMap<TypeId, Value>,
    clock: Since,
    /// Tells whoever has sent the task how far it is.
    progress: F,
}

impl<F: Fn(u64, u64) + Send + Sync> RunHost for OneStep<F> {
    fn names(&self) -> &dyn Names {
        self
    }
    fn clock(&self) -> &dyn Clock {
        &self.clock
    }
    fn resource(&self, ty: TypeId) -> Option<&Value> {
        self.resources.get(&ty)
    }
    fn progress(&self, _: &Context, done: u64, total: u64) {
        (self.progress)(done, total);
    }
}

impl<F: Send + Sync> Names for OneStep<F> {
    fn pipeline(&self) -> &str {
        &self.pipeline
    }
    fn fields(&self) -> &[Arc<str>] {
        &self.event.field_names
    }
    fn event_name(&self, _step: u32) -> &str {
        &self.event.def.name
    }
    fn step_path(&self, _step: u32) -> String {
        self.path.clone()
    }
}

/// The engine's time, as far as this process can know it: it goes on from the request.
#[derive(Debug)]
struct Since {
    base: Duration,
    start: Instant,
}

impl Clock for Since {
    fn now(&self) -> Duration {
        self.base.saturating_add(self.start.elapsed())
    }
    fn wait_until(&self, at: Duration, _idle: bool) -> Wait {
        match at.checked_sub(self.now()) {
            None | Some(Duration::ZERO) => Wait::Over,
            Some(left) => Wait::AtMost(left),
        }
    }
}
