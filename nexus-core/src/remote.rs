//! Running a task that another process has sent: the far side of an executor of remote bodies.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde::de::DeserializeSeed;
use serde::{Deserializer, Serializer};

use crate::cancel::Children;
use crate::context::{Context, Names, RunHost, RunId, RunInfo};
use crate::event::{Body, BodySource, EventDef, Inputs, OwnValues, Param, ParamKind};
use crate::outcome::{Exception, ExceptionKind, TaskOutcome};
use crate::panic::{contain, drop_quietly};
use crate::piped::OwnedPiped;
use crate::registry::Registry;
use crate::retry::ErrorType;
use crate::telemetry::{BodyTracer, PoolInfo, Said, TraceContext};
use crate::time::{Clock, Wait};
use crate::value::Value;
use crate::wire::{
    Defined, ErrorClassifier, ReceivedTask, Reply, RequestSeed, StepHeader, TaskHeader, Transfer,
};

/// Runs tasks that another process of the same program has sent
/// ([`ClaimedTasks::write_request`](crate::ClaimedTasks::write_request)), whatever the
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
    progress: Arc<Progress>,
    /// Who is told what bodies say to telemetry.
    said: Option<Said>,
    /// Where in a trace the next task runs.
    trace: Option<TraceContext>,
    /// Finds the event of a reference.
    find: Find,
    /// The step of the last request.
    step: Result<Arc<LoadedStep>, Exception>,
    /// What the last task of that step was given, for the next one: nobody else has kept it.
    context: Option<Context>,
    /// When the last task ended.
    ended: Option<Instant>,
}

/// The event of a reference, and the fields that a flow sets on it.
type Find = for<'a> fn(&'a Registry, &'a str) -> Result<(&'a EventDef, &'a str), String>;

/// Tells whoever has sent a task how far it is.
type Progress = dyn Fn(u64, u64) + Send + Sync;

/// A step of a flow, as far as a host knows it.
struct LoadedStep {
    event: Arc<LoadedEvent>,
    run: RunId,
    pipeline: String,
    path: String,
    key: Option<String>,
    /// The error types that policies of the program list.
    errors: Arc<[ErrorType]>,
    /// The engine's time.
    clock: Since,
    /// Made with the first task, since states may take long, and may fail.
    parts: OnceLock<StepParts>,
}

/// What the tasks of a step take that was not sent.
struct StepParts {
    states: Vec<Value>,
    resources: HashMap<TypeId, Value>,
}

/// An event with the fields that a flow sets on it.
pub(crate) struct LoadedEvent {
    pub(crate) def: EventDef,
    pub(crate) body: Arc<dyn Body>,
    /// For each parameter, the field or the state that it takes.
    pub(crate) slots: Box<[u32]>,
    field_names: Arc<[Arc<str>]>,
}

/// A task that was received, and is to be run.
#[cfg(feature = "durable")]
pub(crate) struct Received {
    pub(crate) event: Arc<LoadedEvent>,
    pub(crate) input: OwnedPiped,
    pub(crate) context: Context,
    pub(crate) errors: Arc<[ErrorType]>,
}

/// How a task ended that a [`TaskHost`] ran, and how long it took.
pub struct TaskReply {
    ended: Ended,
    took: Duration,
}

enum Ended {
    Outcome(Arc<LoadedStep>, TaskOutcome),
    /// The task could not be run here.
    Refused(Exception),
}

impl TaskHost {
    /// A host of the events that are linked into this program. `progress` hears what their bodies
    /// say with [`Context::progress`](crate::Context::progress), from whatever thread.
    pub fn linked(progress: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        Self::of(Registry::linked(), progress)
    }

    fn of(registry: Registry, progress: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        crate::panic::prepare();
        Self {
            errors: registry.listed_errors().into(),
            registry,
            events: HashMap::new(),
            states: HashMap::new(),
            progress: Arc::new(progress),
            said: None,
            trace: None,
            find: |registry, reference| {
                let found = registry.find_reference(reference);
                found.ok_or_else(|| "no such event is linked into the program".to_owned())
            },
            step: Err(refusal(&"there was no request before it")),
            context: None,
            ended: None,
        }
    }

    /// Passes on to `said` what bodies say to the telemetry of this program, from whatever thread: see
    /// [`BodyTracer`]. Only bodies of tasks that are [traced](Self::trace_next) are heard.
    pub fn on_said(mut self, said: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        self.said = Some(Arc::new(said));
        self
    }

    /// The next task runs in this place of a trace
    /// ([`ClaimedTasks::trace`](crate::ClaimedTasks::trace)).
    pub fn trace_next(&mut self, trace: TraceContext) {
        self.trace = Some(trace);
    }

    /// A host of the events of this registry, which requests name by their own names alone.
    #[cfg(feature = "durable")]
    pub(crate) fn named(registry: Registry) -> Self {
        let mut host = Self::of(registry, |_, _| {});
        host.find = Registry::find_named;
        host
    }

    /// Gives the events that take a state of this type this one.
    #[cfg(feature = "durable")]
    pub(crate) fn add_state(&mut self, ty: TypeId, state: Value) {
        self.states.insert(ty, state);
    }

    /// Reads the request for a task, which is run later.
    #[cfg(feature = "durable")]
    pub(crate) fn receive<D: Deserializer<'static>>(
        &mut self,
        request: D,
    ) -> Result<Received, Exception> {
        // Also of a request that is refused: the next one has a trace of its own, or none.
        let trace = self.trace.take();
        let mut unknown = None;
        let seed = RequestSeed(|header| {
            let step = self.enter(Instant::now(), header);
            step.inspect_err(|exception| unknown = Some(exception.clone()))
        });
        let received = contain(|| seed.deserialize(request))?;
        // Of an unknown event the rest cannot be read, and need not be.
        let task = match unknown {
            Some(exception) => return Err(exception),
            None => received.map_err(|unreadable| refusal(&unreadable))??,
        };
        let ReceivedTask { header, step, fields, piped: input } = task;
        let context = self.context_of(&step, &header, fields, trace.as_ref())?;
        let (event, errors) = (Arc::clone(&step.event), Arc::clone(&self.errors));
        Ok(Received { event, input, context, errors })
    }

    /// The error types that policies of the program list.
    #[cfg(feature = "durable")]
    pub(crate) fn errors(&self) -> Arc<[ErrorType]> {
        Arc::clone(&self.errors)
    }

    #[cfg(feature = "durable")]
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Runs the task that `request` describes. A request may leave out what the one before it has
    /// said, so a host gets those of one [`ClaimedTasks`](crate::ClaimedTasks) in order. Never
    /// panics.
    pub fn run<D: Deserializer<'static>>(&mut self, request: D) -> TaskReply {
        self.run_since(Instant::now(), request)
    }

    /// The same of a request that was there already when the task before it had ended: this one takes
    /// from then on, which saves a look at the clock.
    pub fn run_next<D: Deserializer<'static>>(&mut self, request: D) -> TaskReply {
        let begin = self.ended.unwrap_or_else(Instant::now);
        self.run_since(begin, request)
    }

    fn run_since<D: Deserializer<'static>>(&mut self, begin: Instant, request: D) -> TaskReply {
        let ended = self.end_of(begin, request);
        let now = Instant::now();
        self.ended = Some(now);
        TaskReply { ended, took: now.duration_since(begin) }
    }

    fn end_of<D: Deserializer<'static>>(&mut self, begin: Instant, request: D) -> Ended {
        let trace = self.trace.take();
        let seed = RequestSeed(|header| self.enter(begin, header));
        // Deserialize is user code, and so are bodies and the building of states.
        let received = contain(|| seed.deserialize(request));
        let task = match received {
            Ok(Ok(Ok(task))) => task,
            Ok(Ok(Err(exception))) | Err(exception) => return Ended::Refused(exception),
            Ok(Err(unreadable)) => return Ended::Refused(refusal(&unreadable)),
        };
        let ReceivedTask { header, step, fields, piped } = task;
        let outcome = self.call(&step, &header, fields, piped, trace.as_ref());
        Ended::Outcome(step, outcome.unwrap_or_else(TaskOutcome::Exception))
    }

    /// The step of a request.
    fn enter(
        &mut self,
        begin: Instant,
        header: Option<StepHeader<'static>>,
    ) -> Result<Arc<LoadedStep>, Exception> {
        if let Some(header) = header {
            self.context = None;
            let errors = Arc::clone(&self.errors);
            self.step = self.event(&header.reference).map(|event| {
                Arc::new(LoadedStep {
                    event,
                    run: header.run_id(),
                    pipeline: header.pipeline.into_owned(),
                    path: header.path.into_owned(),
                    key: header.key.map(Cow::into_owned),
                    errors,
                    clock: Since { base: header.now, start: Some(begin) },
                    parts: OnceLock::new(),
                })
            });
        }
        self.step.clone()
    }

    fn call(
        &mut self,
        step: &Arc<LoadedStep>,
        header: &TaskHeader,
        fields: Vec<Value>,
        piped: OwnedPiped,
        trace: Option<&TraceContext>,
    ) -> Result<TaskOutcome, Exception> {
        let mut context = self.context_of(step, header, fields, trace)?;
        let slots = &step.event.slots;
        let inputs = Inputs { slots, piped: piped.borrow(), context: &context };
        let call = || contain(|| step.event.body.call(&inputs));
        let outcome = match (trace, &self.said) {
            (Some(trace), Some(said)) => traced(trace, said, call),
            _ => call(),
        };
        drop(inputs);
        drop_quietly(piped);
        match Arc::get_mut(&mut context.run) {
            Some(run) if trace.is_none() => {
                let fields = std::mem::take(&mut run.fields);
                run.children = Children::new();
                self.context = Some(context);
                drop_quietly(fields);
            }
            _ => drop_quietly(context),
        }
        outcome
    }

    /// What the body of a task is given: what the one before it was given, as far as that is the same.
    fn context_of(
        &mut self,
        step: &Arc<LoadedStep>,
        header: &TaskHeader,
        fields: Vec<Value>,
        trace: Option<&TraceContext>,
    ) -> Result<Context, Exception> {
        let mut context = match self.context.take() {
            Some(kept) if trace.is_none() => kept,
            _ => self.new_context(step, trace)?,
        };
        // Nobody else has it yet, or any more.
        if let Some(run) = Arc::get_mut(&mut context.run) {
            (run.fields, run.deadline) = (fields, header.deadline);
        }
        (context.attempt, context.item) = (header.attempt, header.item);
        Ok(context)
    }

    fn new_context(
        &mut self,
        step: &Arc<LoadedStep>,
        trace: Option<&TraceContext>,
    ) -> Result<Context, Exception> {
        let states = self.parts_of(step)?.states.clone();
        let run: Arc<RunInfo> = Arc::new(RunInfo {
            id: step.run,
            fields: Vec::new(),
            states,
            deadline: None,
            // A task that nobody wants any more dies with its process.
            cancelled: AtomicBool::new(false),
            left: AtomicBool::new(false),
            key: None,
            children: Children::new(),
            host: StepHost {
                step: Arc::clone(step),
                progress: Arc::clone(&self.progress),
                trace: trace.cloned(),
            },
        });
        Ok(Context::new(run))
    }

    fn parts_of<'s>(&mut self, step: &'s LoadedStep) -> Result<&'s StepParts, Exception> {
        if let Some(parts) = step.parts.get() {
            return Ok(parts);
        }
        let (states, resources) = self.states_of(&step.event.def)?;
        Ok(step.parts.get_or_init(|| StepParts { states, resources }))
    }

    /// The states that the event takes, in order, and by type; builds those that are not there.
    fn states_of(
        &mut self,
        def: &EventDef,
    ) -> Result<(Vec<Value>, HashMap<TypeId, Value>), Exception> {
        let (mut states, mut by_type) = (Vec::new(), HashMap::new());
        for param in def.params.iter().filter(|param| param.kind == ParamKind::State) {
            let state = self.state_of(param)?;
            by_type.insert(param.ty.id(), state.clone());
            states.push(state);
        }
        Ok((states, by_type))
    }

    /// The state that a parameter takes, built if it is not there.
    pub(crate) fn state_of(&mut self, param: &Param) -> Result<Value, Exception> {
        let id = param.ty.id();
        let state = match (self.states.get(&id), param.part.by) {
            (Some(state), _) => state.clone(),
            (None, Transfer::State(builder)) => contain(builder.build)??,
            (None, _) => {
                let ty = param.ty.name();
                let message = format!(
                    "it takes `State<{ty}>`, and this worker has none; give it one with `state(..)`"
                );
                return Err(Exception::of_kind(ExceptionKind::Serialization, message));
            }
        };
        self.states.insert(id, state.clone());
        Ok(state)
    }

    fn event(&mut self, reference: &str) -> Result<Arc<LoadedEvent>, Exception> {
        if let Some(event) = self.events.get(reference) {
            return Ok(Arc::clone(event));
        }
        let event = contain(|| LoadedEvent::find(&self.registry, self.find, reference))??;
        let event = Arc::new(event);
        self.events.insert(reference.to_owned(), Arc::clone(&event));
        Ok(event)
    }
}

/// Runs a body while the telemetry of this program hears it.
fn traced<T>(trace: &TraceContext, said: &Said, call: impl FnOnce() -> T) -> T {
    for tracer in BodyTracer::linked() {
        _ = contain(|| (tracer.enter)(trace, said));
    }
    let ended = call();
    for tracer in BodyTracer::linked() {
        _ = contain(|| (tracer.leave)());
    }
    ended
}

fn refusal(unreadable: &impl ToString) -> Exception {
    Exception::of_kind(ExceptionKind::Serialization, unreadable.to_string())
}

impl TaskReply {
    /// The reply of a host that could not run the task, or could not write its outcome.
    pub fn exception(exception: Exception) -> Self {
        Self { ended: Ended::Refused(exception), took: Duration::ZERO }
    }

    /// How long the task took, from reading its request to the end of its body.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Serialises how the task ended.
    ///
    /// # Errors
    ///
    /// If the value that the event yielded cannot be serialised: the exception to reply with
    /// instead ([`exception`](Self::exception)), which can always be written.
    pub fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, Exception> {
        let took = self.took;
        match &self.ended {
            Ended::Refused(exception) => {
                Reply::write_exception(took, exception, serializer).map_err(|error| refusal(&error))
            }
            Ended::Outcome(step, outcome) => {
                let def = &step.event.def;
                let policy = def.settings.retry.as_ref().and_then(|it| it.as_ref().ok());
                let classifier = ErrorClassifier { types: &step.errors, policy };
                // Serialize is user code.
                contain(|| Reply { took, def, outcome, classifier }.write(serializer))?
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
        // The Drop of a value or an error is user code.
        match &mut self.ended {
            Ended::Outcome(_, outcome) => {
                drop_quietly(std::mem::replace(outcome, TaskOutcome::Pending));
            }
            Ended::Refused(exception) => {
                let nothing = Exception::not_run(String::new());
                drop_quietly(std::mem::replace(exception, nothing));
            }
        }
    }
}

impl Defined for Arc<LoadedStep> {
    fn definition(&self) -> &EventDef {
        &self.event.def
    }
}

impl LoadedEvent {
    fn find(registry: &Registry, find: Find, reference: &str) -> Result<Self, Exception> {
        let unknown = |why: &str| {
            let message = format!("a worker cannot make the event `{reference}`: {why}");
            Exception::of_kind(ExceptionKind::Serialization, message)
        };
        let (def, own) = find(registry, reference).map_err(|why| unknown(&why))?;
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
        let slot = |param: &Param| match param.kind {
            ParamKind::Field => next(&mut fields),
            ParamKind::State => next(&mut states),
            ParamKind::Piped | ParamKind::Context => u32::MAX,
        };
        let slots = def.params.iter().map(slot).collect();
        let named = def.parts().filter(|part| matches!(part.by, Transfer::Value(_)));
        let field_names = named.map(|part| Arc::from(part.name)).collect();
        Ok(Self { def: def.clone(), body, slots, field_names })
    }
}

/// The one step of its flow that a task knows, and who is told how far it is.
struct StepHost {
    step: Arc<LoadedStep>,
    progress: Arc<Progress>,
    trace: Option<TraceContext>,
}

impl RunHost for StepHost {
    fn names(&self) -> &dyn Names {
        &*self.step
    }
    fn clock(&self) -> &dyn Clock {
        &self.step.clock
    }
    fn resource(&self, ty: TypeId) -> Option<&Value> {
        self.step.parts.get()?.resources.get(&ty)
    }
    fn key(&self) -> Option<&str> {
        self.step.key.as_deref()
    }
    fn progress(&self, _: &Context, done: u64, total: u64) {
        (self.progress)(done, total);
    }
    fn trace(&self, _: &Context) -> Option<TraceContext> {
        self.trace.clone()
    }
    fn pool(&self, _: u32) -> Option<PoolInfo> {
        None
    }
}

impl Names for LoadedStep {
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
pub(crate) struct Since {
    pub(crate) base: Duration,
    /// When it has begun to go on, if it does.
    pub(crate) start: Option<Instant>,
}

impl Clock for Since {
    fn now(&self) -> Duration {
        let gone = self.start.map_or(Duration::ZERO, |start| start.elapsed());
        self.base.saturating_add(gone)
    }
    fn wait_until(&self, at: Duration, _idle: bool) -> Wait {
        match at.checked_sub(self.now()) {
            None | Some(Duration::ZERO) => Wait::Over,
            Some(left) => Wait::AtMost(left),
        }
    }
}
