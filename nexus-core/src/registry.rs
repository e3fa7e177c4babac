//! Events, executors and error types by name: what a flow that arrives as text may speak of.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::panic::Location;
#[cfg(feature = "tokio")]
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::context::Context;
#[cfg(feature = "tokio")]
use crate::event::AsyncClosure;
#[cfg(feature = "registry")]
use crate::event::Spec;
use crate::event::{Body, BodySource, Checked, Closure, Event, EventDef, IntoBypass, IntoOutcome};
use crate::executor::{
    DefaultExecutor, Executor, ExecutorInitializerConfig, ExecutorKind, ThreadPoolExecutor,
};
use crate::retry::{ErrorType, IntoRetryPolicy};
use crate::settings::{EventExecutionEvaluationState, EventSettings};
use crate::value::OutputInfo;
use crate::wire::Serialisable;

/// An annotated event that is linked into the program.
#[cfg(feature = "registry")]
#[derive(Debug)]
#[doc(hidden)]
pub struct Linked(pub &'static Spec);

/// An error type that a policy in a pipeline's flow lists.
#[cfg(feature = "registry")]
#[derive(Debug)]
#[doc(hidden)]
pub struct LinkedError(pub Option<ErrorType>);

#[cfg(feature = "registry")]
inventory::collect!(Linked);
#[cfg(feature = "registry")]
inventory::collect!(LinkedError);

/// The names that a flow may use.
///
/// ```
/// use nexus_core::{Context, Outcome, Registry};
/// let mut registry = Registry::new();
/// registry.event("greet", |_: &Context| Outcome::success("hello"));
/// assert!(registry.names().any(|name| name == "greet"));
/// ```
#[derive(Debug, Clone)]
pub struct Registry {
    events: Vec<EventDef>,
    by_name: HashMap<String, Vec<usize>>,
    executors: HashMap<String, ExecutorKind>,
    errors: HashMap<String, ErrorType>,
}

/// What a name stands for.
pub(crate) enum Found<'a> {
    One(usize, &'a EventDef),
    Many(Vec<&'a EventDef>),
    None,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// A registry without events, with the executors that are linked into this program.
    pub fn new() -> Self {
        let mut registry = Self {
            events: Vec::new(),
            by_name: HashMap::new(),
            executors: HashMap::new(),
            errors: HashMap::new(),
        };
        registry.executor::<DefaultExecutor>("DefaultExecutor");
        registry.executor::<ThreadPoolExecutor>("ThreadPoolExecutor");
        #[cfg(feature = "tokio")]
        registry.executor::<crate::executor::AsyncExecutor>("AsyncExecutor");
        #[cfg(feature = "registry")]
        for crate::executor::LinkedExecutor(name, kind) in inventory::iter::<_> {
            registry.executor_kind((*name).to_owned(), *kind);
        }
        registry
    }

    /// A registry of all annotated events that are linked into this program.
    ///
    /// A crate's events are linked only if the program mentions that crate: write
    /// `use my_steps as _;` for one that it would not mention otherwise.
    #[cfg(feature = "registry")]
    pub fn linked() -> Self {
        let mut registry = Self::new();
        let mut defs: Vec<EventDef> =
            inventory::iter::<Linked>().map(|linked| EventDef::of(linked.0)).collect();
        // The linker's order is no order.
        defs.sort_by(|a, b| (&a.name, &a.place, a.path).cmp(&(&b.name, &b.place, b.path)));
        for def in defs {
            registry.add_as(def.name.to_string(), def);
        }
        registry
    }

    /// Adds an annotated event under its own name.
    pub fn add<E: Event>(&mut self) -> &mut Self {
        self.add_as(E::NAME.to_owned(), EventDef::of(E::SPEC));
        self
    }

    /// Adds a definition under the name by which a flow speaks of it.
    pub(crate) fn add_as(&mut self, name: String, def: EventDef) {
        let index = self.events.len();
        self.events.push(def);
        self.by_name.entry(name).or_default().push(index);
    }

    /// Makes an event from a closure. It reads the pipeline's fields with
    /// [`Context::field`] and what came along `|->` with [`Context::previous`].
    ///
    /// ```
    /// use nexus_core::{Context, Failure, Registry};
    /// let mut registry = Registry::new();
    /// registry
    ///     .event("A", |ctx: &Context| Ok::<_, Failure>(ctx.attempt()))
    ///     .stop_on_error(true);
    /// ```
    ///
    /// It returns what an annotated event may return: `Outcome<T>`, `Result<T, E>`,
    /// `Result<Outcome<T>, E>`, `(bool, T)`, or an enum with `#[derive(Descriptor)]`.
    #[track_caller]
    pub fn event<F, R: IntoOutcome<Form> + 'static, Form: 'static>(
        &mut self,
        name: impl Into<String>,
        body: F,
    ) -> EventBuilder<'_, R::Output>
    where
        F: Fn(&Context) -> R + Send + Sync + 'static,
    {
        self.closure::<R, Form>(name.into(), Closure::body(body), false, Location::caller())
    }

    /// [`event`](Self::event), for async code: it runs on
    /// [`AsyncExecutor`](crate::AsyncExecutor).
    ///
    /// ```
    /// use nexus_core::{Context, Outcome, Registry};
    /// let mut registry = Registry::new();
    /// registry.async_event("A", |ctx: &Context| {
    ///     Box::pin(async move {
    ///         std::future::ready(()).await;
    ///         Outcome::success(ctx.attempt())
    ///     })
    /// });
    /// ```
    #[cfg(feature = "tokio")]
    #[track_caller]
    pub fn async_event<F, R: IntoOutcome<Form> + 'static, Form: 'static>(
        &mut self,
        name: impl Into<String>,
        body: F,
    ) -> EventBuilder<'_, R::Output>
    where
        F: Fn(&Context) -> Pin<Box<dyn Future<Output = R> + Send + '_>> + Send + Sync + 'static,
    {
        self.closure::<R, Form>(name.into(), AsyncClosure::body(body), true, Location::caller())
    }

    /// Adds an event that returns `R` and is made of a closure.
    fn closure<R: IntoOutcome<Form>, Form>(
        &mut self,
        name: String,
        body: Arc<dyn Body>,
        is_async: bool,
        place: &Location<'_>,
    ) -> EventBuilder<'_, R::Output> {
        let def = EventDef::of_closure::<R, Form>(name.clone(), body, place);
        let index = self.events.len();
        self.add_as(name, if is_async { def.with_async() } else { def });
        EventBuilder { def: &mut self.events[index], yields: PhantomData }
    }

    /// Lets flows name an executor: `[executor = Name]`.
    pub fn executor<E: Executor>(&mut self, name: impl Into<String>) -> &mut Self {
        self.executor_kind(name.into(), ExecutorKind::of::<E>())
    }

    pub(crate) fn executor_kind(&mut self, name: String, kind: ExecutorKind) -> &mut Self {
        self.executors.insert(name, kind);
        self
    }

    /// Lets flows name an error type: `[retry_policy = { retry_on_exceptions: [Name] }]`.
    pub fn error<E: std::error::Error + 'static>(&mut self, name: impl Into<String>) -> &mut Self {
        self.error_type(name.into(), ErrorType::of::<E>())
    }

    pub(crate) fn error_type(&mut self, name: String, ty: ErrorType) -> &mut Self {
        self.errors.insert(name, ty);
        self
    }

    /// The names of all events, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(crate) fn find(&self, name: &str) -> Found<'_> {
        match self.by_name.get(name).map(Vec::as_slice) {
            None | Some([]) => Found::None,
            Some([index]) => match self.events.get(*index) {
                Some(def) => Found::One(*index, def),
                None => Found::None,
            },
            Some(many) => Found::Many(many.iter().filter_map(|i| self.events.get(*i)).collect()),
        }
    }

    /// The event of a reference (see `wire`), and its rest: the fields that a flow sets on it.
    #[cfg(feature = "wire")]
    pub(crate) fn find_reference<'a>(&self, reference: &'a str) -> Option<(&EventDef, &'a str)> {
        self.events.iter().find_map(|def| {
            let own =
                reference.strip_prefix(def.path)?.strip_prefix('@')?.strip_prefix(&*def.place)?;
            (own.is_empty() || own.starts_with('[')).then_some((def, own))
        })
    }

    /// The event that a reference names by its own name alone, and its rest.
    ///
    /// # Errors
    ///
    /// Why there is no such event.
    #[cfg(feature = "durable")]
    pub(crate) fn find_named<'a>(
        &self,
        reference: &'a str,
    ) -> Result<(&EventDef, &'a str), String> {
        let (name, own) = reference.split_at(reference.find('[').unwrap_or(reference.len()));
        let mut named = self.events.iter().filter(|def| *def.name == *name);
        match (named.next(), named.next()) {
            (Some(def), None) => Ok((def, own)),
            (Some(one), Some(other)) => Err(format!(
                "two events have that name, at {} and at {}; give one of them another with `name = \"..\"`",
                one.place, other.place
            )),
            (None, _) => Err("no such event is linked into the program".to_owned()),
        }
    }

    /// The names of the events themselves, whatever flows call them, each once.
    #[cfg(feature = "durable")]
    pub(crate) fn own_names(&self) -> std::collections::BTreeSet<&str> {
        self.events.iter().map(|def| &*def.name).collect()
    }

    /// The error types that policies of linked events and pipelines list, each once.
    #[cfg(feature = "wire")]
    pub(crate) fn listed_errors(&self) -> Vec<ErrorType> {
        let policies =
            self.events.iter().filter_map(|def| def.settings.retry.as_ref()?.as_ref().ok());
        let of_events = policies.flat_map(crate::retry::RetryPolicy::listed).copied();
        let of_flows = inventory::iter::<LinkedError>().filter_map(|linked| linked.0);
        let named = self.errors.values().copied();
        let mut types: Vec<ErrorType> = Vec::new();
        for ty in of_events.chain(of_flows).chain(named) {
            if !types.iter().any(|known| known.full_name() == ty.full_name()) {
                types.push(ty);
            }
        }
        types
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn find_executor(&self, name: &str) -> Option<ExecutorKind> {
        self.executors.get(name).copied()
    }

    pub(crate) fn executor_names(&self) -> impl Iterator<Item = &str> {
        self.executors.keys().map(String::as_str)
    }

    pub(crate) fn find_error(&self, name: &str) -> Option<ErrorType> {
        self.errors.get(name).copied()
    }

    pub(crate) fn error_names(&self) -> impl Iterator<Item = &str> {
        self.errors.keys().map(String::as_str)
    }
}

/// Settings for an event that is made from a closure and yields a `T`; they are those of
/// `#[event(...)]`.
#[derive(Debug)]
pub struct EventBuilder<'a, T> {
    def: &'a mut EventDef,
    yields: PhantomData<fn() -> T>,
}

impl<T: Send + Sync + 'static> EventBuilder<'_, T> {
    fn set(self, change: impl FnOnce(EventSettings) -> EventSettings) -> Self {
        self.def.settings = change(std::mem::take(&mut self.def.settings));
        self
    }

    /// See [`EventSettings::executor`].
    pub fn executor<E: Executor>(self) -> Self {
        self.set(EventSettings::executor::<E>)
    }

    /// See [`EventSettings::executor_config`].
    pub fn executor_config(self, config: ExecutorInitializerConfig) -> Self {
        self.set(|settings| settings.executor_config(config))
    }

    /// See [`EventSettings::retry_policy`].
    pub fn retry_policy(self, policy: impl IntoRetryPolicy) -> Self {
        self.set(|settings| settings.retry_policy(policy))
    }

    /// See [`EventSettings::stop_on_success`].
    pub fn stop_on_success(self, stop: bool) -> Self {
        self.set(|settings| settings.stop_on_success(stop))
    }

    /// See [`EventSettings::stop_on_error`].
    pub fn stop_on_error(self, stop: bool) -> Self {
        self.set(|settings| settings.stop_on_error(stop))
    }

    /// See [`EventSettings::stop_on_exception`].
    pub fn stop_on_exception(self, stop: bool) -> Self {
        self.set(|settings| settings.stop_on_exception(stop))
    }

    /// See [`EventSettings::timeout`].
    pub fn timeout(self, limit: Duration) -> Self {
        self.set(|settings| settings.timeout(limit))
    }

    /// See [`EventSettings::checkpoint`].
    pub fn checkpoint(self, record: bool) -> Self {
        self.set(|settings| settings.checkpoint(record))
    }

    /// See [`EventSettings::version`].
    pub fn version(self, version: u32) -> Self {
        self.set(|settings| settings.version(version))
    }

    /// See [`EventSettings::execution_evaluation_state`].
    pub fn execution_evaluation_state(self, state: EventExecutionEvaluationState) -> Self {
        self.set(|settings| settings.execution_evaluation_state(state))
    }

    /// Lets the event stand at an `each` step whose items are of type `I`. Each of its tasks reads its
    /// own item from [`Context::previous`].
    ///
    /// ```
    /// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
    /// let mut registry = Registry::new();
    /// registry.event("numbers", |_: &Context| Outcome::success(vec![1_u32, 2, 3]));
    /// registry
    ///     .event("square", |ctx: &Context| {
    ///         let number = ctx.previous().first().and_then(|before| before.value::<u32>());
    ///         Outcome::success(number.map_or(0, |number| number * number))
    ///     })
    ///     .each_of::<u32>();
    /// let plan = Flow::parse("numbers |-> square[each]")?.plan(&registry, &Fields::new())?;
    /// let report = Engine::new().run_plan(&plan, Inputs::new())?;
    /// assert_eq!(report.output::<Vec<u32>>()?, &[1, 4, 9]);
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    pub fn each_of<I: Send + Sync + 'static>(self) -> Self {
        self.def.ports.take_items::<I>();
        self
    }

    /// Shows the event's values in reports as JSON, and lets a durable run write them down and read
    /// them again.
    pub fn output_json(self) -> Self
    where
        T: serde::Serialize + serde::de::DeserializeOwned,
    {
        self.def.output = OutputInfo::json::<T>();
        self.def.output_part.by = Serialisable::<T>::VALUE;
        self
    }

    /// Asks `check` before each run of the event whether to skip it (tutorial, "Event Bypassing");
    /// at an `each` step, before each item. It returns `Bypass<T>`, or `Result<Bypass<T>, E>`, where
    /// `T` is what the event yields.
    ///
    /// ```
    /// use nexus_core::{Bypass, Context, Outcome, Registry};
    /// let mut registry = Registry::new();
    /// registry
    ///     .event("fetch", |_: &Context| Outcome::success(7_u32))
    ///     .bypass(|_| Bypass::skip_with("cached", 6));
    /// ```
    ///
    /// A value of another type does not compile:
    ///
    /// ```compile_fail,E0277
    /// use nexus_core::{Bypass, Context, Outcome, Registry};
    /// let mut registry = Registry::new();
    /// registry
    ///     .event("fetch", |_: &Context| Outcome::success(7_u32))
    ///     .bypass(|_| Bypass::skip_with("cached", "six"));
    /// ```
    pub fn bypass<A: IntoBypass<T> + 'static>(
        self,
        check: impl Fn(&Context) -> A + Send + Sync + 'static,
    ) -> Self {
        if let BodySource::Ready(body) = &self.def.body {
            self.def.body = BodySource::Ready(Checked::<_, T>::body(Arc::clone(body), check));
            self.def.can_bypass = true;
        }
        self
    }
}
