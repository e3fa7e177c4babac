//! How events cross to another process, in any serde format.
//!
//! A task that runs elsewhere needs three things: which event it is, its parameters, and what came
//! along `|->`. Back comes its outcome. This module says how each of them is serialised and
//! deserialised; which format that is (postcard between processes, JSON elsewhere) is the business
//! of whoever moves the bytes.
//!
//! **Which event.** An *event reference* is the path of an event's type, the place of its
//! definition, and the fields that the flow sets on it, as Pointy text:
//! `shop::Transform@src/main.rs:10[factor = 2.0]`. (Events that one `macro_rules!` makes share a
//! place, those of two functions may share a path.) Both sides run the same program, so the other
//! side finds the event in the registry of linked events and makes its body as the planner did.
//!
//! **Values.** An event's macro asks of each of its types whether it can be serialised
//! ([`Transfer`], made of [`Serialisable`]), so an event whose types cannot still compiles for
//! every other executor. What came along `|->` is written as the parameter's
//! [`Shape`](crate::shape::Shape) will read it: of a list that an `each` step reads item by item,
//! only the item.
//!
//! **Errors.** An error's type stays behind; its text crosses, with the texts of its `source()`
//! chain. What a retry policy would ask the error is therefore answered where the error is, and
//! crosses as [`RetryHints`](crate::failure::RetryHints): which of the error types that the
//! program's policies list are in its chain, whether the event's own `retry_if` agrees, and what a
//! `RetryAfter` says.
//!
//! Everything is read for the lifetime `'static`, so that nothing is borrowed from the input. The
//! compiler cannot be asked whether a type is `DeserializeOwned`: for `&'static str` it finds that
//! the trait is implemented, and then that the lifetimes are wrong, which is an error even where it
//! was only a question. `Deserialize<'static>` has an answer for every type; one that wants to
//! borrow says so when it is read.

#[cfg(feature = "wire")]
mod codec;
#[cfg(feature = "wire")]
mod errors;
#[cfg(feature = "durable")]
mod json;
#[cfg(feature = "wire")]
mod message;
#[cfg(feature = "wire")]
mod pair;
mod parts;
#[cfg(feature = "wire")]
mod piped;

#[cfg(feature = "wire")]
pub(crate) use errors::ErrorClassifier;
#[cfg(feature = "durable")]
pub(crate) use json::{JsonError, Owned, VALUE_LIMIT, from_json, to_json};
#[cfg(feature = "durable")]
pub(crate) use message::GotoRecord;
#[cfg(feature = "wire")]
pub(crate) use message::{
    Defined, ReceivedTask, Reply, ReplySeed, RequestSeed, StepHeader, TaskHeader, TaskRequest,
};
pub(crate) use parts::StateBuilder;
pub use parts::{
    Plain as PlainTransfer, PlainPiped, Serialisable, SerialisablePiped, Transfer, WirePart,
};

#[cfg(feature = "wire")]
pub(crate) use codec::Codec;
#[cfg(feature = "durable")]
pub(crate) use codec::ValueRef;
#[cfg(feature = "durable")]
pub(crate) use pair::Pair;
#[cfg(feature = "wire")]
use piped::PipedCodec;

#[cfg(feature = "wire")]
use crate::outcome::{Exception, ExceptionKind};

/// A resource that worker processes can build for themselves, since it cannot be sent to them: an
/// event on a `ProcessPoolExecutor` takes `State<T>` only of such a `T`.
///
/// Each worker process builds it when a task first takes it, and keeps it until it ends. An error
/// is an exception of the event; the next task tries again.
///
/// ```
/// use nexus_core::StateFactory;
///
/// struct Model {
///     weights: Vec<f32>,
/// }
///
/// impl StateFactory for Model {
///     type Error = std::io::Error;
///     fn build() -> Result<Self, Self::Error> {
///         Ok(Self { weights: vec![0.5; 16] })
///     }
/// }
/// # assert_eq!(Model::build()?.weights.len(), 16);
/// # Ok::<(), std::io::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "worker processes cannot build a `{Self}`",
    note = "implement `nexus::StateFactory` for it"
)]
pub trait StateFactory: Sized + Send + Sync + 'static {
    /// Why it could not be built.
    type Error: Into<Box<dyn std::error::Error + Send + Sync>> + 'static;

    /// Builds it, in the worker process.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being built.
    fn build() -> Result<Self, Self::Error>;
}

/// A value that cannot be sent: `what` it is, and why not.
#[cfg(feature = "wire")]
#[cold]
pub(crate) fn cannot_cross(what: &str, cause: impl std::fmt::Display) -> Exception {
    let message = format!("{what} cannot cross between processes: {cause}");
    Exception::of_kind(ExceptionKind::Serialization, message)
}
