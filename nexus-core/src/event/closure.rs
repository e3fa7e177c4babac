//! Events made of closures.

use std::marker::PhantomData;
#[cfg(feature = "tokio")]
use std::pin::Pin;
use std::sync::Arc;

use super::{Body, BodyFuture, Inputs, IntoBypass, IntoOutcome};
use crate::context::Context;
use crate::outcome::{Bypass, Exception, TaskOutcome};
use crate::value::Value;

/// A closure as a body. `Form` is how its return type is read; see [`IntoOutcome`].
pub(crate) struct Closure<F, Form>(F, PhantomData<fn() -> Form>);

impl<F, R, Form> Closure<F, Form>
where
    F: Fn(&Context) -> R + Send + Sync + 'static,
    R: IntoOutcome<Form> + 'static,
    Form: 'static,
{
    /// The body of an event that calls `call`.
    pub(crate) fn body(call: F) -> Arc<dyn Body> {
        Arc::new(Self(call, PhantomData))
    }
}

impl<F, R, Form> Body for Closure<F, Form>
where
    F: Fn(&Context) -> R + Send + Sync + 'static,
    R: IntoOutcome<Form> + 'static,
    Form: 'static,
{
    fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome {
        (self.0)(inputs.context()).into_outcome()
    }
}

/// A closure that makes futures, as a body.
#[cfg(feature = "tokio")]
pub(crate) struct AsyncClosure<F, Form>(F, PhantomData<fn() -> Form>);

#[cfg(feature = "tokio")]
impl<F, R, Form> AsyncClosure<F, Form>
where
    F: Fn(&Context) -> Pin<Box<dyn Future<Output = R> + Send + '_>> + Send + Sync + 'static,
    R: IntoOutcome<Form> + 'static,
    Form: 'static,
{
    /// The body of an async event that calls `call`.
    pub(crate) fn body(call: F) -> Arc<dyn Body> {
        Arc::new(Self(call, PhantomData))
    }
}

#[cfg(feature = "tokio")]
impl<F, R, Form> Body for AsyncClosure<F, Form>
where
    F: Fn(&Context) -> Pin<Box<dyn Future<Output = R> + Send + '_>> + Send + Sync + 'static,
    R: IntoOutcome<Form> + 'static,
    Form: 'static,
{
    fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome {
        super::only_async(inputs)
    }

    fn call_async<'a>(&'a self, inputs: Inputs<'a>) -> BodyFuture<'a> {
        let future = (self.0)(inputs.context);
        Box::pin(async move { future.await.into_outcome() })
    }
}

/// A closure's body with a bypass check before it. `T` is what the event yields.
pub(crate) struct Checked<C, T> {
    body: Arc<dyn Body>,
    check: C,
    yields: PhantomData<fn() -> T>,
}

impl<C, A, T> Checked<C, T>
where
    C: Fn(&Context) -> A + Send + Sync + 'static,
    A: IntoBypass<T> + 'static,
    T: 'static,
{
    /// `body`, with `check` before it.
    pub(crate) fn body(body: Arc<dyn Body>, check: C) -> Arc<dyn Body> {
        Arc::new(Self { body, check, yields: PhantomData })
    }
}

impl<C, A, T> Body for Checked<C, T>
where
    C: Fn(&Context) -> A + Send + Sync + 'static,
    A: IntoBypass<T> + 'static,
    T: 'static,
{
    fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome {
        self.body.call(inputs)
    }

    fn call_async<'a>(&'a self, inputs: Inputs<'a>) -> BodyFuture<'a> {
        self.body.call_async(inputs)
    }

    fn bypass(&self, inputs: &Inputs<'_>) -> Result<Bypass<Value>, Exception> {
        (self.check)(inputs.context()).into_bypass()
    }
}
