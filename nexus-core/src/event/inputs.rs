//! What a body reads its parameters from.

#![expect(clippy::missing_errors_doc, reason = "hidden: only generated code calls it")]

use std::any::{Any, TypeId};
use std::borrow::Borrow;
use std::sync::Arc;

use crate::context::{Context, State};
use crate::outcome::{Exception, ExceptionKind};
use crate::piped::Piped;
use crate::shape::{Mismatch, Shape};
use crate::value::{Borrowed, TypeInfo, Value};

/// What a body reads its parameters from. Parameters are counted as the event declares them.
#[derive(Debug)]
#[doc(hidden)]
pub struct Inputs<'a> {
    pub(crate) slots: &'a [u32],
    pub(crate) piped: Piped<'a>,
    pub(crate) context: &'a Context,
}

impl Inputs<'_> {
    #[inline]
    fn slot<'v>(&self, values: &'v [Value], param: usize) -> Option<&'v Value> {
        values.get(*self.slots.get(param)? as usize)
    }

    /// A pipeline's field, of whatever type.
    #[cfg(feature = "wire")]
    pub(crate) fn field_value(&self, param: usize) -> Option<&Value> {
        self.slot(&self.context.run.fields, param)
    }

    /// A pipeline's field.
    #[inline]
    pub fn field<T: 'static>(&self, param: usize) -> Result<&T, Exception> {
        self.slot(&self.context.run.fields, param)
            .and_then(Value::get)
            .ok_or_else(|| misfit::<T>(param))
    }

    /// A pipeline's field, borrowed as a `B`.
    #[inline]
    pub fn borrowed<B: Borrowed<Owned: 'static> + ?Sized>(
        &self,
        param: usize,
    ) -> Result<&B, Exception> {
        // The compiler knows the answer; only `&Context` is looked for there.
        if TypeId::of::<B::Owned>() == TypeId::of::<Context>()
            && let Some(context) = (self.context as &dyn Any).downcast_ref::<B::Owned>()
        {
            return Ok(context.borrow());
        }
        self.field::<B::Owned>(param).map(B::Owned::borrow)
    }

    /// A pipeline's field, an option, what is in it borrowed as a `B`.
    #[inline]
    pub fn borrowed_option<B: Borrowed<Owned: 'static> + ?Sized>(
        &self,
        param: usize,
    ) -> Result<Option<&B>, Exception> {
        Ok(self.field::<Option<B::Owned>>(param)?.as_ref().map(B::Owned::borrow))
    }

    /// A pipeline's field, shared.
    pub fn field_arc<T: Send + Sync + 'static>(&self, param: usize) -> Result<Arc<T>, Exception> {
        self.slot(&self.context.run.fields, param)
            .and_then(Value::arc)
            .ok_or_else(|| misfit::<T>(param))
    }

    /// A resource of the engine.
    pub fn state<T: Send + Sync + 'static>(&self, param: usize) -> Result<State<T>, Exception> {
        self.slot(&self.context.run.states, param)
            .and_then(Value::arc)
            .map(State::from_arc)
            .ok_or_else(|| misfit::<T>(param))
    }

    /// What came along `|->`.
    #[inline]
    pub fn piped<S: Shape>(&self) -> Result<S::Out<'_>, Exception> {
        S::read(&self.piped).map_err(|unfit| self.edge::<S>(unfit))
    }

    /// The run's context.
    #[inline]
    pub fn context(&self) -> &Context {
        self.context
    }

    #[cold]
    fn edge<S: Shape>(&self, unfit: Mismatch) -> Exception {
        let event = self.context.event();
        let takes = TypeInfo::of::<S::Takes>();
        let message = match unfit {
            Mismatch::Failed(failure) => format!(
                "`{event}` takes a `{takes:?}` along `|->`, but the step before it did not succeed: \
                 {failure}; give it a `0` branch, or take a `Result<{takes:?}, Failure>`"
            ),
            Mismatch::Type => {
                format!("`{event}` takes a `{takes:?}` along `|->`, and got another type")
            }
        };
        Exception::of_kind(ExceptionKind::Edge, message)
    }
}

/// A planned flow never gets here: the plan compares the types.
#[cold]
pub(super) fn misfit<T: 'static>(param: usize) -> Exception {
    let ty = TypeInfo::of::<T>();
    Exception::of_kind(ExceptionKind::Edge, format!("parameter {param} is not a `{ty:?}`"))
}
