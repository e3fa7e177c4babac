//! Why an event did not succeed: it said no ([`Failure`]), or it broke ([`Exception`]).

#[cfg(any(feature = "anyhow", feature = "eyre"))]
use std::any::Any;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::value::Value;

/// Why an event did not succeed: its own reason, or the exception that broke it.
///
/// A `0 |-> X` branch hands `X` this; so does a parameter of type `Result<T, Failure>`.
#[derive(Clone)]
pub struct Failure(Arc<FailureData>);

#[derive(Clone)]
struct FailureData {
    reason: Cow<'static, str>,
    value: Option<Value>,
    exception: Option<Exception>,
}

impl Failure {
    /// A failure for `reason`.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(FailureData { reason: reason.into(), value: None, exception: None }))
    }

    /// The same failure, carrying `data`.
    #[must_use]
    pub fn with_value(self, data: impl Send + Sync + 'static) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.value = Some(Value::new(data));
        Self(Arc::new(inner))
    }

    pub(crate) fn carrying(reason: Cow<'static, str>, value: Value) -> Self {
        Self(Arc::new(FailureData { reason, value: Some(value), exception: None }))
    }

    pub(crate) fn of_exception(exception: &Exception) -> Self {
        Self(Arc::new(FailureData {
            reason: Cow::Owned(exception.to_string()),
            value: None,
            exception: Some(exception.clone()),
        }))
    }

    /// The failure as it was in another process.
    #[cfg_attr(not(feature = "wire"), expect(dead_code, reason = "nothing is sent"))]
    pub(crate) fn remote(
        reason: String,
        value: Option<Value>,
        exception: Option<Exception>,
    ) -> Self {
        Self(Arc::new(FailureData { reason: Cow::Owned(reason), value, exception }))
    }

    /// The data that the failure carries, of whatever type.
    #[cfg_attr(not(feature = "wire"), expect(dead_code, reason = "nothing is sent"))]
    pub(crate) fn any_value(&self) -> Option<&Value> {
        self.0.value.as_ref()
    }

    pub(crate) fn set_reason(&mut self, reason: Cow<'static, str>) {
        Arc::make_mut(&mut self.0).reason = reason;
    }

    /// The reason, as the event gave it.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The data that the failure carries, if it is a `T`.
    pub fn value<T: 'static>(&self) -> Option<&T> {
        self.0.value.as_ref()?.get()
    }

    /// The exception behind it; `None` where the event itself said no.
    pub fn exception(&self) -> Option<&Exception> {
        self.0.exception.as_ref()
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failure").field(&self.reason()).finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.exception().and_then(StdError::source)
    }
}

/// An event broke: it returned an error, it panicked, or it could not be run at all.
#[derive(Clone)]
pub struct Exception(Arc<ExceptionData>);

struct ExceptionData {
    kind: ExceptionKind,
    message: String,
    location: Option<String>,
    error: Option<Carrier>,
    origin: Origin,
    /// What the first predicate said that was asked about it, and which one that was.
    agreed: OnceLock<(usize, bool)>,
}

/// An error of any type.
type BoxError = Box<dyn StdError + Send + Sync>;

/// What an exception keeps its error in.
enum Carrier {
    Error(BoxError),
    /// A dynamic error such as `anyhow::Error`: it shows the error inside of it, but as a
    /// [`BoxError`] it hides the type.
    Dynamic(Box<dyn AsRef<dyn StdError + Send + Sync> + Send + Sync>),
}

impl Carrier {
    fn error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        match self {
            Self::Error(error) => &**error,
            Self::Dynamic(dynamic) => (**dynamic).as_ref(),
        }
    }
}

/// What is known of an exception's errors beside themselves.
enum Origin {
    /// nexus made it.
    Nexus,
    /// The event's error has this type.
    Local(&'static str),
    /// It arose in another process.
    Remote(Box<RetryHints>),
}

/// What only the process can say of an exception where it arose.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct RetryHints {
    /// The types of the errors in its chain, by their full names, as far as they are known there.
    pub(crate) types: Vec<String>,
    /// Whether the event's own `retry_if` agrees to it.
    pub(crate) agreed: bool,
    /// What a [`RetryAfter`] in its chain says.
    pub(crate) retry_after: Option<Duration>,
}

/// What kind of break it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExceptionKind {
    /// The event returned an error.
    Error,
    /// The event, or code that it triggered, panicked.
    Panic,
    /// The event takes a plain value along `|->`, and the step before has none to give.
    Edge,
    /// The event asked for a branch that its step does not have.
    NoSuchDescriptor,
    /// The executor lost the task.
    Lost,
    /// An attempt took longer than the event's `timeout`.
    Timeout,
    /// The worker process that ran the event ended; [`Exception::find`] a [`WorkerExit`] in it.
    WorkerLost,
    /// The event's input ended its worker process too often.
    Poisoned,
    /// A value could not be serialised for another process, or not be read there. Never retried.
    Serialization,
    /// The event waits for the world outside, in a run that is not durable. Never retried.
    Pending,
}

/// How a worker process ended that held a task.
///
/// [`Exception::find`] it in an exception of the kind [`ExceptionKind::WorkerLost`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkerExit {
    signal: Option<i32>,
    code: Option<i32>,
}

impl WorkerExit {
    /// A process that was ended by this signal, or exited with this code.
    pub const fn new(signal: Option<i32>, code: Option<i32>) -> Self {
        Self { signal, code }
    }

    /// The signal that ended it: 9 where it was killed, 6 where it aborted or overflowed its stack.
    pub const fn signal(&self) -> Option<i32> {
        self.signal
    }

    /// The code with which it exited.
    pub const fn code(&self) -> Option<i32> {
        self.code
    }
}

impl fmt::Display for WorkerExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.signal, self.code) {
            (Some(signal), _) => {
                write!(f, "killed by signal {signal}")?;
                signal_name(signal).map_or(Ok(()), |name| write!(f, " ({name})"))
            }
            (None, Some(code)) => write!(f, "exited with code {code}"),
            (None, None) => f.write_str("ended in an unknown way"),
        }
    }
}

impl StdError for WorkerExit {}

/// The signals whose numbers are the same on all systems.
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}

/// An error of another process: its text and those of its `source()` chain.
#[derive(Debug)]
struct RemoteError {
    text: String,
    source: Option<Box<RemoteError>>,
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for RemoteError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl Exception {
    /// An exception made of an error: one of any type, a box, or a text.
    ///
    /// ```
    /// # use nexus_core::Exception; use std::fmt;
    /// let exception = Exception::new(fmt::Error);
    /// assert!(exception.find::<fmt::Error>().is_some());
    /// assert_eq!(Exception::new("no order").message(), "no order");
    /// ```
    pub fn new<E>(error: E) -> Self
    where
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        let mut error = Some(error);
        let dynamic = take_dynamic(&mut error);
        let other = || error.map(|error| Carrier::Error(error.into()));
        Self::carried::<E>(dynamic.or_else(other))
    }

    /// An exception made of an event's dynamic error, such as `anyhow::Error`. The chain begins with
    /// the error inside of it, whose type [`Exception::new`] would lose.
    pub(crate) fn of_dynamic<E>(error: E) -> Self
    where
        E: AsRef<dyn StdError + Send + Sync> + Send + Sync + 'static,
    {
        Self::carried::<E>(Some(Carrier::Dynamic(Box::new(error))))
    }

    fn carried<E>(carrier: Option<Carrier>) -> Self {
        let message = carrier.as_ref().map(|it| text(it.error())).unwrap_or_default();
        let origin = Origin::Local(std::any::type_name::<E>());
        Self::build(ExceptionKind::Error, message, None, carrier, origin)
    }

    pub(crate) fn panic(message: String, location: Option<String>) -> Self {
        Self::build(ExceptionKind::Panic, message, location, None, Origin::Nexus)
    }

    pub(crate) fn of_kind(kind: ExceptionKind, message: String) -> Self {
        Self::build(kind, message, None, None, Origin::Nexus)
    }

    /// The exception of a task whose worker process ended, for executors that have such.
    pub fn worker_lost(exit: WorkerExit) -> Self {
        let message = format!("the worker process that ran the event was lost: {exit}");
        let kind = ExceptionKind::WorkerLost;
        Self::build(kind, message, None, Some(carrier(exit)), Origin::Nexus)
    }

    /// The exception of a task that an executor could not run, for the reason in `message`.
    pub fn not_run(message: impl Into<String>) -> Self {
        Self::of_kind(ExceptionKind::Lost, message.into())
    }

    /// The exception as it was in another process; `texts` are those of its chain.
    #[cfg_attr(not(feature = "wire"), expect(dead_code, reason = "nothing is sent"))]
    pub(crate) fn remote(
        kind: ExceptionKind,
        message: String,
        location: Option<String>,
        texts: Vec<String>,
        retry_hints: RetryHints,
    ) -> Self {
        let chain = texts
            .into_iter()
            .rev()
            .fold(None, |source, text| Some(Box::new(RemoteError { text, source })));
        let error = chain.map(|error| Carrier::Error(error));
        Self::build(kind, message, location, error, Origin::Remote(Box::new(retry_hints)))
    }

    pub(crate) fn timeout(limit: Duration) -> Self {
        Self::of_kind(ExceptionKind::Timeout, format!("took longer than its timeout of {limit:?}"))
    }

    /// An event waits for the world outside, where nobody could say how it ended.
    pub(crate) fn pending() -> Self {
        let message = "it is pending, and only a durable run can wait for the outside; give the run a key, on an engine with a store";
        Self::of_kind(ExceptionKind::Pending, message.to_owned())
    }

    pub(crate) fn poisoned(event: &str, crashes: u32, last: &Self) -> Self {
        let message =
            format!("{crashes} workers died of this input of `{event}`; the last one: {last}");
        let exit = last.find::<WorkerExit>().copied().map(carrier);
        Self::build(ExceptionKind::Poisoned, message, None, exit, Origin::Nexus)
    }

    fn build(
        kind: ExceptionKind,
        message: String,
        location: Option<String>,
        error: Option<Carrier>,
        origin: Origin,
    ) -> Self {
        let agreed = OnceLock::new();
        Self(Arc::new(ExceptionData { kind, message, location, error, origin, agreed }))
    }

    /// What the process says of it where it arose, if that is another one.
    pub(crate) fn retry_hints(&self) -> Option<&RetryHints> {
        match &self.0.origin {
            Origin::Remote(retry_hints) => Some(retry_hints),
            Origin::Nexus | Origin::Local(_) => None,
        }
    }

    /// What a policy's predicate, known by its address, says of it. The first predicate is asked
    /// once, however often this is called.
    pub(crate) fn agreed_once(&self, predicate: usize, ask: impl Fn() -> bool) -> bool {
        match self.0.agreed.get_or_init(|| (predicate, ask())) {
            (known, agreed) if *known == predicate => *agreed,
            _ => ask(),
        }
    }

    /// The full name of the type of the event's error, where it arose in this process.
    #[cfg_attr(not(feature = "wire"), expect(dead_code, reason = "nothing is sent"))]
    pub(crate) fn error_type(&self) -> Option<&'static str> {
        match self.0.origin {
            Origin::Local(name) => Some(name),
            Origin::Nexus | Origin::Remote(_) => None,
        }
    }

    /// What kind of break it was.
    pub fn kind(&self) -> ExceptionKind {
        self.0.kind
    }

    /// The message of the error or of the panic.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where a panic happened: file, line and column.
    pub fn location(&self) -> Option<&str> {
        self.0.location.as_deref()
    }

    /// The event's own error.
    pub fn error(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.error.as_ref().map(Carrier::error)
    }

    /// The event's error and everything in its `source()` chain, outermost first.
    pub fn chain(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        let first: Option<&(dyn StdError + 'static)> = match self.error() {
            Some(error) => Some(error),
            None => None,
        };
        std::iter::successors(first, |error: &&(dyn StdError + 'static)| (*error).source())
    }

    /// The first `E` in the chain.
    pub fn find<E: StdError + 'static>(&self) -> Option<&E> {
        self.chain().find_map(|error| error.downcast_ref())
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let elsewhere = || self.retry_hints().and_then(|retry_hints| retry_hints.retry_after);
        self.find::<RetryAfter>().map(|error| error.after).or_else(elsewhere)
    }
}

impl fmt::Debug for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exception")
            .field("kind", &self.kind())
            .field("message", &self.message())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind(), self.location()) {
            (ExceptionKind::Panic, Some(place)) => {
                write!(f, "panicked at {place}: {}", self.message())
            }
            (ExceptionKind::Panic, None) => write!(f, "panicked: {}", self.message()),
            _ => f.write_str(self.message()),
        }
    }
}

impl StdError for Exception {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error().and_then(StdError::source)
    }
}

/// Takes an error whose type is one of the dynamic ones that are known by name, to keep it as it is.
#[cfg_attr(
    not(any(feature = "anyhow", feature = "eyre")),
    expect(clippy::needless_pass_by_ref_mut, unused_variables, reason = "none is known")
)]
fn take_dynamic<E: 'static>(error: &mut Option<E>) -> Option<Carrier> {
    #[cfg(any(feature = "anyhow", feature = "eyre"))]
    fn take<D>(error: &mut dyn Any) -> Option<Carrier>
    where
        D: AsRef<dyn StdError + Send + Sync> + Send + Sync + 'static,
    {
        let dynamic = error.downcast_mut::<Option<D>>()?.take()?;
        Some(Carrier::Dynamic(Box::new(dynamic)))
    }
    #[cfg(feature = "anyhow")]
    if let Some(dynamic) = take::<anyhow::Error>(error) {
        return Some(dynamic);
    }
    #[cfg(feature = "eyre")]
    if let Some(dynamic) = take::<eyre::Report>(error) {
        return Some(dynamic);
    }
    None
}

fn carrier(error: impl StdError + Send + Sync + 'static) -> Carrier {
    Carrier::Error(error.into())
}

/// What an error says. Most say a few words, and begin with room for them: it grows less often than
/// that of `to_string`.
fn text(error: &dyn StdError) -> String {
    let mut text = String::with_capacity(32);
    // A Display that gives up has said what it has said.
    let _ = write!(text, "{error}");
    text
}

/// An error that knows when to come back, such as HTTP's `Retry-After`: the next retry waits this
/// long instead of what the policy's schedule says.
///
/// ```
/// # use nexus_core::RetryAfter; use std::time::Duration;
/// fn fetch() -> Result<(), RetryAfter> {
///     Err(RetryAfter::new(std::io::Error::other("429"), Duration::from_secs(3)))
/// }
/// assert_eq!(fetch().unwrap_err().to_string(), "429");
/// ```
#[derive(Debug)]
pub struct RetryAfter {
    error: Box<dyn StdError + Send + Sync>,
    after: Duration,
}

impl RetryAfter {
    /// Wraps `error`, which stays in the `source()` chain for `retry_on_exceptions` to find.
    pub fn new(error: impl StdError + Send + Sync + 'static, after: Duration) -> Self {
        Self { error: Box::new(error), after }
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for RetryAfter {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.error)
    }
}
