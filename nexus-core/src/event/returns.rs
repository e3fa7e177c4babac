//! What events and bypass checks may return (R3).

use std::borrow::Cow;
use std::error::Error;

use super::DescriptorName;
use crate::outcome::{
    Bypass, BypassKind, Descriptor, Exception, Failure, Kind, Outcome, TaskOutcome,
};
use crate::value::Value;

/// Plain return types; see [`IntoOutcome`].
#[derive(Debug)]
#[doc(hidden)]
pub enum Plain {}

/// `Result<Outcome<T>, E>`; see [`IntoOutcome`].
#[derive(Debug)]
#[doc(hidden)]
pub enum Nested {}

/// What an event may return. `Form` keeps `Result<T, E>` and `Result<Outcome<T>, E>` apart:
/// the macro picks it, and for closures the compiler does, since only one fits. An `Outcome` is not
/// `Sync`, so it is no value that a `Result` could have.
#[diagnostic::on_unimplemented(
    message = "an event cannot return `{Self}`",
    note = "return `Outcome<T>`, `Result<T, E>`, `Result<Outcome<T>, E>`, `(bool, T)`, or an enum with `#[derive(Descriptor)]`; `E` is any error that can go from thread to thread: `E: std::error::Error + Send + Sync + 'static`, `anyhow::Error`, `Box<dyn std::error::Error + Send + Sync>`, `String`"
)]
pub trait IntoOutcome<Form> {
    /// What the event yields when it succeeds.
    type Output: Send + Sync + 'static;
    /// The branches that the value names, of an enum with `#[derive(Descriptor)]`.
    #[doc(hidden)]
    const DESCRIPTORS: &'static [DescriptorName] = &[];
    /// How such a value names its branch.
    #[doc(hidden)]
    const GOTO: Option<fn(&Value) -> Option<Descriptor>> = None;
    #[doc(hidden)]
    fn into_outcome(self) -> TaskOutcome;
}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> IntoOutcome<Plain> for Outcome<T> {
    type Output = T;
    #[inline]
    fn into_outcome(self) -> TaskOutcome {
        match self.0 {
            Kind::Success(value) => TaskOutcome::Success(Value::new(value)),
            Kind::Failure(failure) => TaskOutcome::Failure(failure),
            Kind::Goto { goto, value } => TaskOutcome::Goto(Box::new((goto, Value::new(value)))),
            Kind::Pending => TaskOutcome::Pending,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T, E> IntoOutcome<Plain> for Result<T, E>
where
    T: Send + Sync + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    type Output = T;
    #[inline]
    fn into_outcome(self) -> TaskOutcome {
        match self {
            Ok(value) => TaskOutcome::Success(Value::new(value)),
            Err(error) => TaskOutcome::Exception(Exception::new(error)),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T, E> IntoOutcome<Nested> for Result<Outcome<T>, E>
where
    T: Send + Sync + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    type Output = T;
    fn into_outcome(self) -> TaskOutcome {
        match self {
            Ok(outcome) => outcome.into_outcome(),
            Err(error) => TaskOutcome::Exception(Exception::new(error)),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> IntoOutcome<Plain> for (bool, T) {
    type Output = T;
    fn into_outcome(self) -> TaskOutcome {
        let (succeeded, value) = self;
        let value = Value::new(value);
        if succeeded {
            return TaskOutcome::Success(value);
        }
        let reason: Cow<'static, str> = match (value.get::<&'static str>(), value.get::<String>()) {
            (Some(text), _) => Cow::Borrowed(text),
            (_, Some(text)) => Cow::Owned(text.clone()),
            _ => Cow::Borrowed("the event returned false"),
        };
        TaskOutcome::Failure(Failure::carrying(reason, value))
    }
}

/// What a bypass check may return: `Bypass<T>`, or `Result<Bypass<T>, E>`.
#[diagnostic::on_unimplemented(
    message = "a bypass check cannot return `{Self}`",
    note = "return `Bypass<{Output}>`, or `Result<Bypass<{Output}>, E>` where `E` is any error that can go from thread to thread"
)]
pub trait IntoBypass<Output> {
    #[doc(hidden)]
    fn into_bypass(self) -> Result<Bypass<Value>, Exception>;
}

// One implementation for all answers: of one for `Bypass<T>` alone, rustc would say at length that a
// wrong `T` is nearly right.
#[diagnostic::do_not_recommend]
impl<A: BypassAnswer> IntoBypass<A::Value> for A {
    fn into_bypass(self) -> Result<Bypass<Value>, Exception> {
        self.erased()
    }
}

/// An answer of a bypass check, and the type of the value in it.
#[doc(hidden)]
pub trait BypassAnswer {
    /// What the event yields when it is skipped.
    type Value;
    /// The same with a value of any type.
    fn erased(self) -> Result<Bypass<Value>, Exception>;
}

impl<T: Send + Sync + 'static> BypassAnswer for Bypass<T> {
    type Value = T;
    fn erased(self) -> Result<Bypass<Value>, Exception> {
        Ok(Bypass(match self.0 {
            BypassKind::No => BypassKind::No,
            BypassKind::Skip { value, reason } => {
                BypassKind::Skip { value: value.map(Value::new), reason }
            }
        }))
    }
}

impl<T, E> BypassAnswer for Result<Bypass<T>, E>
where
    T: Send + Sync + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    type Value = T;
    fn erased(self) -> Result<Bypass<Value>, Exception> {
        self.map_err(Exception::new)?.erased()
    }
}
