//! How a task ended: in the user's words ([`Outcome`]) and in the run's ([`TaskOutcome`]).

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

pub use nexus_pointy::Descriptor;

pub use crate::failure::{Exception, ExceptionKind, Failure, RetryAfter, WorkerExit};
use crate::value::Value;

/// What an event says of its input: success, failure, or "go to that branch" (tutorial, "Defining
/// events" and "Task Transitions (Goto)").
///
/// ```
/// use nexus_core::Outcome;
/// fn half(n: u32) -> Outcome<u32> {
///     if n % 2 == 1 {
///         return Outcome::failure("odd");
///     }
///     Outcome::success(n / 2)
/// }
/// assert!(half(4).is_success());
/// assert_eq!(half(3).failure_reason(), Some("odd"));
/// ```
///
/// An outcome is no value of a flow, so it is not `Sync`, which every value is: that is how
/// `Result<Outcome<T>, E>` is told from a `Result` whose value is an `Outcome`.
#[derive(Clone)]
#[must_use = "an outcome says how the event ended; return it"]
pub struct Outcome<T>(pub(crate) Kind<T>, NotSync);

/// Keeps a type from being shared among threads; see `docs/decisions/0014-outcome-not-sync.md`.
type NotSync = PhantomData<Cell<()>>;

#[derive(Debug, Clone)]
pub(crate) enum Kind<T> {
    Success(T),
    Failure(Failure),
    Goto { goto: Goto, value: T },
    Pending,
}

impl<T> Outcome<T> {
    fn of(kind: Kind<T>) -> Self {
        Self(kind, PhantomData)
    }

    /// The event succeeded and yields `value`.
    pub fn success(value: T) -> Self {
        Self::of(Kind::Success(value))
    }

    /// The event looked at its input and said no. A failure is never retried.
    pub fn failure(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Failure(Failure::new(reason)))
    }

    /// A failure that carries data for the `0` branch, which reads it with [`Failure::value`].
    pub fn failure_with(
        reason: impl Into<Cow<'static, str>>,
        data: impl Send + Sync + 'static,
    ) -> Self {
        Self::of(Kind::Failure(Failure::new(reason).with_value(data)))
    }

    /// Takes the branch of this step that has `descriptor`, handing it `value` if the branch is
    /// drawn with `|->`.
    ///
    /// ```
    /// use nexus_core::Outcome;
    /// let jump = Outcome::goto(101, "ada").reason("Premium user detected");
    /// assert_eq!(jump.descriptor().map(ToString::to_string).as_deref(), Some("101"));
    /// ```
    pub fn goto(descriptor: impl Into<Descriptor>, value: T) -> Self {
        Self::of(Kind::Goto {
            goto: Goto {
                descriptor: descriptor.into(),
                failed: false,
                reason: Cow::Borrowed("manual"),
            },
            value,
        })
    }

    /// The event has asked the world outside for something, and its step has no end before that has
    /// answered: an approval, a webhook. The step stays open. It holds no thread, survives the
    /// process, and obeys the event's `timeout`, until `Engine::resolve` or `Engine::fail` says how
    /// it ended.
    ///
    /// Only in a durable run can somebody say so. In any other run this is an exception of the kind
    /// [`Pending`](ExceptionKind::Pending).
    ///
    /// ```
    /// use nexus_core::Outcome;
    /// let asked = Outcome::<u32>::pending();
    /// assert!(asked.is_pending() && !asked.is_success());
    /// ```
    pub fn pending() -> Self {
        Self::of(Kind::Pending)
    }

    /// Makes a goto count as a failure (the tutorial's `result_status=False`). Changes nothing
    /// else.
    pub fn failed(mut self) -> Self {
        if let Kind::Goto { goto, .. } = &mut self.0 {
            goto.failed = true;
        }
        self
    }

    /// Says why: the reason of a goto (without this, "manual") or of a failure.
    pub fn reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        match &mut self.0 {
            Kind::Success(_) | Kind::Pending => {}
            Kind::Failure(failure) => failure.set_reason(reason.into()),
            Kind::Goto { goto, .. } => goto.reason = reason.into(),
        }
        self
    }

    /// Whether the event succeeded; a goto counts unless it is [`failed`](Self::failed).
    pub fn is_success(&self) -> bool {
        match &self.0 {
            Kind::Success(_) => true,
            Kind::Failure(_) | Kind::Pending => false,
            Kind::Goto { goto, .. } => !goto.failed,
        }
    }

    /// Whether the event waits for the world outside.
    pub fn is_pending(&self) -> bool {
        matches!(self.0, Kind::Pending)
    }

    /// The value of a success or a goto.
    pub fn value(&self) -> Option<&T> {
        match &self.0 {
            Kind::Success(value) | Kind::Goto { value, .. } => Some(value),
            Kind::Failure(_) | Kind::Pending => None,
        }
    }

    /// Why the event failed, if it did.
    pub fn failure_reason(&self) -> Option<&str> {
        match &self.0 {
            Kind::Failure(failure) => Some(failure.reason()),
            Kind::Goto { goto, .. } if goto.failed => Some(&goto.reason),
            _ => None,
        }
    }

    /// The branch that a goto names.
    pub fn descriptor(&self) -> Option<&Descriptor> {
        match &self.0 {
            Kind::Goto { goto, .. } => Some(&goto.descriptor),
            _ => None,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outcome").field(&self.0).finish()
    }
}

/// A jump to a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goto {
    pub(crate) descriptor: Descriptor,
    pub(crate) failed: bool,
    pub(crate) reason: Cow<'static, str>,
}

impl Goto {
    /// The branch it goes to.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Why; "manual" where the event did not say.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether it counts as a failure of the event.
    pub fn is_failed(&self) -> bool {
        self.failed
    }
}

/// How a task ended, with its value's type erased: what a run is told.
#[derive(Debug, Clone)]
#[doc(hidden)]
pub enum TaskOutcome {
    Success(Value),
    Failure(Failure),
    Exception(Exception),
    /// The branch, and the value for it.
    Goto(Box<(Goto, Value)>),
    /// It has no end yet: somebody outside will say how it ended.
    Pending,
}

impl From<Exception> for TaskOutcome {
    fn from(exception: Exception) -> Self {
        Self::Exception(exception)
    }
}

/// What a bypass check says (tutorial, "Event Bypassing").
#[derive(Debug, Clone)]
#[must_use = "a bypass check's answer must be returned"]
pub struct Bypass<T>(pub(crate) BypassKind<T>);

#[derive(Debug, Clone)]
pub(crate) enum BypassKind<T> {
    No,
    Skip { value: Option<T>, reason: Cow<'static, str> },
}

impl<T> Bypass<T> {
    /// Run the event as usual.
    pub fn no() -> Self {
        Self(BypassKind::No)
    }

    /// Skip the event for `reason`. It then yields nothing: a step that takes its value along
    /// `|->` cannot run, unless the value is `()`.
    pub fn skip(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(BypassKind::Skip { value: None, reason: reason.into() })
    }

    /// Skip the event for `reason`, and pass `value` forward as if the event had yielded it.
    pub fn skip_with(reason: impl Into<Cow<'static, str>>, value: T) -> Self {
        Self(BypassKind::Skip { value: Some(value), reason: reason.into() })
    }
}
