//! How events cross to another process.
//!
//! A task that runs elsewhere needs three things: which event it is, its parameters, and what came
//! along `|->`. Back comes its outcome. All of it is written with postcard, and read so that
//! nothing is borrowed from the bytes (`reader`).
//!
//! **Which event.** A *unit* is an event's name, the place of its definition, and the fields that
//! the flow sets on it, as Pointy text: `Transform@src/main.rs:10[factor = 2.0]`. Both processes
//! run the same binary, so the other one finds the event under its name and place in the registry
//! of linked events, and makes the body of it as the planner did.
//!
//! **Values.** An event's macro asks of each of its types whether it can cross
//! ([`EventWire`], made of [`Crosses`]), so an event whose types cannot still compiles for every
//! other executor. What came along `|->` crosses as the parameter's [`Shape`](crate::shape::Shape)
//! will read it: of a list that an `each` step reads item by item, only the item.
//!
//! **Errors.** An error's type stays behind; its text crosses, with the texts of its `source()`
//! chain. What a retry policy would ask the error is therefore answered where the error is, and
//! crosses as a testimony: which of the error types that the program's policies list are in its
//! chain, whether the event's own `retry_if` agrees, and what a `RetryAfter` says.
#![cfg_attr(
    not(feature = "process"),
    expect(dead_code, reason = "without the feature nothing crosses")
)]

#[cfg(not(feature = "process"))]
mod absent;
#[cfg(feature = "process")]
mod codec;
#[cfg(feature = "process")]
mod errors;
#[cfg(feature = "process")]
mod message;
mod parts;
#[cfg(feature = "process")]
mod piped;
#[cfg(feature = "process")]
mod reader;

#[cfg(feature = "process")]
use parts::Codec;
pub use parts::{Crosses, CrossesPiped, Crossing, EventWire, WirePart};

#[cfg(not(feature = "process"))]
pub(crate) use absent::{outcome, request};
#[cfg(feature = "process")]
pub(crate) use codec::Wire;
#[cfg(feature = "process")]
pub(crate) use errors::Witness;
#[cfg(feature = "process")]
#[cfg(test)]
pub(crate) use message::request_for_test;
#[cfg(feature = "process")]
pub(crate) use message::{Request, outcome, refusal, reply, request};
#[cfg(feature = "process")]
pub(crate) use piped::WireShape;

use crate::outcome::{Exception, ExceptionKind};

/// A resource that worker processes can build for themselves, since it cannot cross to them: an
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
    type Error: std::error::Error + Send + Sync + 'static;

    /// Builds it, in the worker process.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being built.
    fn build() -> Result<Self, Self::Error>;
}

/// A value that does not cross: `what` it is, and why not.
#[cold]
fn stuck(what: &str, cause: &str) -> Exception {
    let message = format!("{what} cannot cross between processes: {cause}");
    Exception::of_kind(ExceptionKind::Crossing, message)
}
