//! What an event may ask about the run it belongs to.

use std::any::TypeId;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::address::StepAddress;
use crate::cancel::{Children, Gone, Token};
use crate::hash::Fnv128;
use crate::outcome::Failure;
use crate::telemetry::{PoolInfo, TraceContext};
use crate::time::Clock;
use crate::value::Value;

/// A resource shared by all runs of an engine, such as a connection pool; given to the engine
/// with `EngineBuilder::state`.
///
/// ```
/// use nexus_core::State;
/// let state = State::new(String::from("shared"));
/// assert_eq!(state.len(), 6);
/// ```
pub struct State<T>(Arc<T>);

impl<T> State<T> {
    /// Wraps a resource, for calling an event as a plain function in a test.
    pub fn new(resource: T) -> Self {
        Self(Arc::new(resource))
    }

    pub(crate) fn from_arc(resource: Arc<T>) -> Self {
        Self(resource)
    }
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identity of a run: 128 random bits, or what the engine's seed gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub(crate) u128);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunId({self})")
    }
}

impl serde::Serialize for RunId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a run calls itself, its fields and its steps; the plan says it.
pub(crate) trait Names: Send + Sync {
    fn pipeline(&self) -> &str;
    fn fields(&self) -> &[Arc<str>];
    fn event_name(&self, step: u32) -> &str;
    fn step_path(&self, step: u32) -> String;
}

/// What has made a run, as far as its tasks can ask it something.
pub(crate) trait RunHost: Send + Sync {
    fn names(&self) -> &dyn Names;
    fn clock(&self) -> &dyn Clock;
    fn resource(&self, ty: TypeId) -> Option<&Value>;
    /// The run's key, if it is durable.
    fn key(&self) -> Option<&str>;
    /// A task says how far it is.
    fn progress(&self, context: &Context, done: u64, total: u64);
    /// Where in a trace the task runs, if somebody knows.
    fn trace(&self, context: &Context) -> Option<TraceContext>;
    /// The pool on which the step's body runs, if it is one.
    fn pool(&self, step: u32) -> Option<PoolInfo>;
}

/// What all tasks of a run share, in one piece with its host, whose fields and methods it has.
pub(crate) struct RunInfo<H: ?Sized = dyn RunHost> {
    pub(crate) id: RunId,
    pub(crate) fields: Vec<Value>,
    /// Those of the engine's resources that the plan's steps bind, in its slots' order.
    pub(crate) states: Vec<Value>,
    /// When the run's timeout is over, by that clock.
    pub(crate) deadline: Option<Duration>,
    /// The key of a recorded run.
    pub(crate) key: Option<Arc<str>>,
    /// The run was cancelled, or its time is over.
    pub(crate) cancelled: AtomicBool,
    /// It was cancelled only here: it is recorded, and somebody may resume it.
    pub(crate) left: AtomicBool,
    /// Runs inside of this one, wherever the task that runs them has no token.
    pub(crate) children: Children,
    pub(crate) host: H,
}

impl<H: ?Sized> RunInfo<H> {
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// The run is cancelled, and so are the runs inside of it.
    pub(crate) fn set_cancelled(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.children.go(self.gone().unwrap_or(Gone::Cancelled));
    }

    /// How the run has gone, if nothing more is wanted of it.
    pub(crate) fn gone(&self) -> Option<Gone> {
        let gone = if self.left.load(Ordering::SeqCst) { Gone::Left } else { Gone::Cancelled };
        self.is_cancelled().then_some(gone)
    }
}

impl<H: ?Sized> Deref for RunInfo<H> {
    type Target = H;

    fn deref(&self) -> &H {
        &self.host
    }
}

/// A task of a recorded run, as the place of runs inside of it.
#[cfg_attr(not(feature = "durable"), expect(dead_code, reason = "nothing is recorded"))]
pub(crate) struct Nest {
    step: u32,
    item: Option<u64>,
    /// How many have begun in this attempt.
    begun: AtomicU32,
}

#[cfg(feature = "durable")]
impl Nest {
    /// Its next run's key: the same for the same run of each attempt, so that an attempt that is
    /// made again goes on with what the one before has begun.
    pub(crate) fn next_key(&self, run: &RunInfo) -> Arc<str> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let path = run.names().step_path(self.step);
        format!("{}-{number}", idempotency_key(run.id, &path, self.item)).into()
    }
}

/// The same text for the same run, step and item.
fn idempotency_key(run: RunId, step_path: &str, item: Option<u64>) -> String {
    let mut hash = Fnv128::new();
    hash.write(&run.0.to_be_bytes());
    hash.write(step_path.as_bytes());
    if let Some(item) = item {
        hash.write(&item.to_be_bytes());
    }
    format!("{:032x}", hash.0)
}

/// What an event may know about its run: a parameter of type `&Context` receives it.
pub struct Context {
    pub(crate) run: Arc<RunInfo>,
    pub(crate) step: u32,
    pub(crate) attempt: u32,
    pub(crate) item: Option<u64>,
    pub(crate) previous: Vec<Previous>,
    pub(crate) token: Option<Arc<Token>>,
    /// When the attempt's own timeout is over.
    pub(crate) deadline: Option<Duration>,
    /// Where runs inside of the task get their keys, if its run is recorded.
    pub(crate) nest: Option<Arc<Nest>>,
}

impl Context {
    pub(crate) fn new(run: Arc<RunInfo>) -> Self {
        Self {
            run,
            step: 0,
            attempt: 1,
            item: None,
            previous: Vec::new(),
            token: None,
            deadline: None,
            nest: None,
        }
    }

    /// The context is that of another task, which has begun no runs.
    pub(crate) fn enter_nest(&mut self) {
        if self.run.key.is_some() {
            let begun = AtomicU32::new(0);
            self.nest = Some(Arc::new(Nest { step: self.step, item: self.item, begun }));
        }
    }

    /// The run's identity.
    pub fn run_id(&self) -> RunId {
        self.run.id
    }

    /// The run's key, if it is durable. With the [`step_address`](Self::step_address), it is what
    /// somebody has to know who resolves a step that is [`pending`](crate::Outcome::pending).
    pub fn run_key(&self) -> Option<&str> {
        self.run.host.key()
    }

    /// The pipeline's name.
    pub fn pipeline(&self) -> &str {
        self.run.names().pipeline()
    }

    /// The name of the event that is running.
    pub fn event(&self) -> &str {
        self.run.names().event_name(self.step)
    }

    /// The step's place in the flow, stable over runs: `validate_order/1/process_payment`, or
    /// `clean#2` where an event stands a second time.
    pub fn step_path(&self) -> String {
        self.run.names().step_path(self.step)
    }

    /// The step's place in the flow and the item, if it is one of an `each` step: `charge[3]`.
    pub fn step_address(&self) -> StepAddress {
        StepAddress::new(self.step_path(), self.item)
    }

    /// Which attempt this is; 1 is the first.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The item's index in an `each` step, from 0.
    pub fn item(&self) -> Option<u64> {
        self.item
    }

    /// The same text for the same run, step and item, whatever the attempt: what to hand to a
    /// payment service so that a retry does not charge twice.
    pub fn idempotency_key(&self) -> String {
        idempotency_key(self.run.id, &self.step_path(), self.item)
    }

    /// The pipeline's input field `name`, if there is one of type `T`.
    pub fn field<T: 'static>(&self, name: &str) -> Option<&T> {
        let slot = self.run.names().fields().iter().position(|field| **field == *name)?;
        self.run.fields.get(slot)?.get()
    }

    /// The engine's shared resource of type `T`, if it was given one.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<State<T>> {
        self.run.resource(TypeId::of::<T>())?.arc().map(State)
    }

    /// What came along `|->`, in script order, failures included: for each step, who it was and how
    /// it ended. Of an `each` step, the one entry is the task's own item.
    ///
    /// It is filled for events that a [`Registry`](crate::Registry) makes from closures, and for
    /// mocks; an annotated event has its `#[piped]` parameter instead.
    ///
    /// ```
    /// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
    /// let mut registry = Registry::new();
    /// registry.event("Rain", |_: &Context| Outcome::success(12_u32));
    /// registry.event("Wind", |_: &Context| Outcome::<u32>::failure("no sensor"));
    /// registry.event("Say", |ctx: &Context| {
    ///     let said = ctx.previous().iter().map(|before| match before.value::<u32>() {
    ///         Some(number) => format!("{} {number}", before.event()),
    ///         None => format!("no {}", before.event()),
    ///     });
    ///     Outcome::success(said.collect::<Vec<_>>().join(", "))
    /// });
    /// let plan = Flow::parse("Rain || Wind |-> Say")?.plan(&registry, &Fields::new())?;
    /// let report = Engine::new().run_plan(&plan, Inputs::new())?;
    /// assert_eq!(report.output::<String>()?, "Rain 12, no Wind");
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    pub fn previous(&self) -> &[Previous] {
        &self.previous
    }

    /// Whether the result of this task is no longer wanted: its `timeout` is over, the run was
    /// cancelled, or another member of its group decided the matter. Long work should then return.
    pub fn is_cancelled(&self) -> bool {
        self.run.is_cancelled() || self.token.as_ref().is_some_and(|token| token.is_raised())
    }

    /// When this task's result stops being wanted, by the engine's clock (see [`now`](Self::now)):
    /// the end of the event's `timeout` or of the run's, whichever comes first.
    pub fn deadline(&self) -> Option<Duration> {
        match (self.deadline, self.run.deadline) {
            (Some(own), Some(run)) => Some(own.min(run)),
            (own, run) => own.or(run),
        }
    }

    /// Says that `done` of `total` parts are done, to whoever watches the run: a
    /// [`RunHandle`](crate::RunHandle), or an [`Observer`](crate::Observer).
    pub fn progress(&self, done: u64, total: u64) {
        self.run.host.progress(self, done, total);
    }

    /// The W3C `traceparent` of this attempt, for what the event calls: the value of the header of
    /// that name. `None` if nobody traces the run, with
    /// [`Observer::trace_context`](crate::Observer::trace_context).
    pub fn traceparent(&self) -> Option<String> {
        self.run.host.trace(self)?.traceparent
    }

    /// The time by the engine's clock, since that clock's start.
    pub fn now(&self) -> Duration {
        self.run.clock().now()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("run", &self.run_id())
            .field("step", &self.step_path())
            .field("attempt", &self.attempt)
            .field("item", &self.item)
            .finish_non_exhaustive()
    }
}

/// What came along `|->` from one step; see [`Context::previous`].
#[derive(Clone)]
pub struct Previous {
    pub(crate) names: Arc<dyn Names>,
    pub(crate) step: u32,
    pub(crate) outcome: Result<Value, Failure>,
    /// Which item of the value it is, where the value is a list that an `each` step runs over.
    pub(crate) item: Option<usize>,
}

impl Previous {
    /// The name of the event that it came from.
    pub fn event(&self) -> &str {
        self.names.event_name(self.step)
    }

    /// That step's place in the flow, as [`Context::step_path`] gives it.
    pub fn step_path(&self) -> String {
        self.names.step_path(self.step)
    }

    /// Whether there is a value.
    pub fn is_success(&self) -> bool {
        self.outcome.is_ok()
    }

    /// The value, if there is one and it is a `T`; at an `each` step, the task's own item.
    pub fn value<T: 'static>(&self) -> Option<&T> {
        let value = self.outcome.as_ref().ok()?;
        match self.item {
            Some(item) => value.get::<Vec<T>>()?.get(item),
            None => value.get(),
        }
    }

    /// Why there is no value.
    pub fn failure(&self) -> Option<&Failure> {
        self.outcome.as_ref().err()
    }
}

impl fmt::Debug for Previous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Previous")
            .field("step", &self.step_path())
            .field("outcome", &self.outcome)
            .field("item", &self.item)
            .finish_non_exhaustive()
    }
}
