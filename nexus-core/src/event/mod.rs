//! Events: what the macros make of functions and structs, and what a plan needs to know of them.

mod closure;
#[cfg(debug_assertions)]
mod common;
mod definition;
mod descriptors;
mod function;
mod inputs;
mod own_fields;
mod ports;
mod returns;
mod spec;

use std::pin::Pin;

use crate::outcome::{Bypass, Exception, ExceptionKind, TaskOutcome};
use crate::shape::Shape;
use crate::value::Value;

#[cfg(feature = "tokio")]
pub(crate) use closure::AsyncClosure;
pub(crate) use closure::{Checked, Closure};
pub(crate) use definition::{BodySource, EventDef};
pub(crate) use descriptors::typed_goto;
pub use descriptors::{DescriptorName, Descriptors};
pub use function::{
    Along, By, CLONED, Calling, Convert, Function, Lent, LentOption, Owned, Parameter, Shared,
    Signature, returned, taken,
};
pub use inputs::Inputs;
pub(crate) use own_fields::BuildBody;
pub use own_fields::{FromSetting, OwnField, OwnValues, SettingKind};
pub(crate) use ports::Collect;
pub use returns::{IntoBypass, IntoOutcome, Nested, Plain};
pub(crate) use spec::Param;
pub(crate) use spec::TypedGoto;
pub use spec::{Callee, Code, Options, ParamKind, ParamSpec, Spec, Types, Yields};

/// A named unit of work. `#[event]` on a function and `#[derive(Event)]` on a struct implement
/// it; nobody else needs to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "not an event",
    note = "annotate the function with `#[event]`, or the struct with `#[derive(Event)]` and its impl block with `#[event]`"
)]
pub trait Event: Send + Sync + 'static {
    /// What the event yields when it succeeds.
    type Output: Send + Sync + 'static;
    /// How the event takes what comes along `|->`.
    #[doc(hidden)]
    type Piped: Shape;

    /// What the event says of itself.
    #[doc(hidden)]
    const SPEC: &'static Spec;

    /// The event's name in flows and reports.
    const NAME: &'static str = Self::SPEC.name;
}

/// The code of an async event on its way to an outcome.
#[doc(hidden)]
pub type BodyFuture<'a> = Pin<Box<dyn Future<Output = TaskOutcome> + Send + 'a>>;

/// The future of an async event, which is `Send`.
///
/// Of `Send` itself the compiler says in 14 lines and more what keeps a future from being it, and begins
/// with the hidden `async` block.
#[diagnostic::on_unimplemented(
    message = "an async event keeps a value that is not `Send` over an `.await`",
    label = "so its future cannot go from thread to thread",
    note = "drop the value before the `.await`, in a block of its own, or keep one that is `Send`: `Arc` for `Rc`, `tokio::sync::Mutex` for `std::sync::Mutex`",
    note = "the compiler names the value and the place if you add `fn check(..) -> impl Send {{ name(..) }}`, with the event's name and parameters [N0015]"
)]
#[doc(hidden)]
pub trait SendFuture<'a> {
    fn boxed(self) -> BodyFuture<'a>;
}
#[diagnostic::do_not_recommend]
impl<'a, F: Future<Output = TaskOutcome> + Send + 'a> SendFuture<'a> for F {
    fn boxed(self) -> BodyFuture<'a> {
        Box::pin(self)
    }
}

/// An event's code, called for each task.
#[doc(hidden)]
pub trait Body: Send + Sync + 'static {
    fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome;

    /// What an async event does. Other code, such as a mock of one, is done at the first poll.
    fn call_async<'a>(&'a self, inputs: Inputs<'a>) -> BodyFuture<'a> {
        at_once(move || self.call(&inputs))
    }

    fn bypass(&self, _inputs: &Inputs<'_>) -> Result<Bypass<Value>, Exception> {
        Ok(Bypass::no())
    }
}

/// The future of code that is not async.
pub(crate) fn at_once<'a>(call: impl FnOnce() -> TaskOutcome + Send + 'a) -> BodyFuture<'a> {
    Box::pin(async move { call() })
}

/// How an async event ends that is called as if it were none. A planned flow never does that.
#[cold]
#[doc(hidden)]
pub fn only_async(inputs: &Inputs<'_>) -> TaskOutcome {
    let message = format!("`{}` is async: only `AsyncExecutor` runs it", inputs.context.event());
    Exception::of_kind(ExceptionKind::Edge, message).into()
}
