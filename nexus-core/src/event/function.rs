//! The code of an event function: the user's function, and its parameters as types.
//!
//! The code that reads the parameters and calls the function is written here, once for each number of
//! parameters. All that `#[event]` adds for an event is a constant.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::ready;
use std::marker::PhantomData;
use std::sync::Arc;

use super::spec::{BypassCheck, Callee, Types};
use super::{Body, BodyFuture, Inputs, IntoOutcome};
use crate::context::State;
use crate::outcome::{Bypass, Exception, ExceptionKind, TaskOutcome};
use crate::shape::Shape;
use crate::value::{Borrowed, TypeInfo, Value};

/// A parameter of an event, as a type.
#[doc(hidden)]
pub trait Parameter: 'static {
    /// What the function takes.
    type Out<'a>;
    /// The type of the field or state.
    const TYPE: TypeInfo;

    fn read<'a>(inputs: &'a Inputs<'_>, index: usize) -> Result<Self::Out<'a>, Exception>;
}

/// `&B`, or `&Context`.
#[derive(Debug)]
#[doc(hidden)]
pub struct Lent<B: ?Sized>(PhantomData<B>);

/// `Option<&B>`.
#[derive(Debug)]
#[doc(hidden)]
pub struct LentOption<B: ?Sized>(PhantomData<B>);

/// `T`, in one of these ways.
#[derive(Debug)]
#[doc(hidden)]
pub struct Owned<T, const HOW: u8 = CLONED>(PhantomData<T>);

/// It cannot be taken by value, which has an error of its own.
const REFUSED: u8 = 0;
/// It is a field, and is cloned.
#[doc(hidden)]
pub const CLONED: u8 = 1;
/// It is a [`State`].
const STATE: u8 = 2;

/// How a parameter is taken that the tokens say no more of than that it is taken by value.
#[doc(hidden)]
pub const fn taken(is_state: bool, is_clone: bool) -> u8 {
    match (is_state, is_clone) {
        (true, _) => STATE,
        (_, true) => CLONED,
        _ => REFUSED,
    }
}

/// `Arc<T>`.
#[derive(Debug)]
#[doc(hidden)]
pub struct Shared<T>(PhantomData<T>);

/// What comes along `|->`, taken as `S` does.
#[derive(Debug)]
#[doc(hidden)]
pub struct Along<S>(PhantomData<S>);

impl<B: Borrowed<Owned: 'static> + ?Sized + 'static> Parameter for Lent<B> {
    type Out<'a> = &'a B;
    const TYPE: TypeInfo = TypeInfo::of::<B::Owned>();

    #[inline]
    fn read<'a>(inputs: &'a Inputs<'_>, index: usize) -> Result<&'a B, Exception> {
        inputs.borrowed(index)
    }
}

impl<B: Borrowed<Owned: 'static> + ?Sized + 'static> Parameter for LentOption<B> {
    type Out<'a> = Option<&'a B>;
    const TYPE: TypeInfo = TypeInfo::of::<Option<B::Owned>>();

    #[inline]
    fn read<'a>(inputs: &'a Inputs<'_>, index: usize) -> Result<Option<&'a B>, Exception> {
        inputs.borrowed_option(index)
    }
}

impl<T: Clone + 'static> Parameter for Owned<T, CLONED> {
    type Out<'a> = T;
    const TYPE: TypeInfo = TypeInfo::of::<T>();

    #[inline]
    fn read(inputs: &Inputs<'_>, index: usize) -> Result<T, Exception> {
        inputs.field::<T>(index).cloned()
    }
}

impl<T: Send + Sync + 'static> Parameter for Owned<State<T>, STATE> {
    type Out<'a> = State<T>;
    const TYPE: TypeInfo = TypeInfo::of::<T>();

    fn read(inputs: &Inputs<'_>, index: usize) -> Result<State<T>, Exception> {
        inputs.state(index)
    }
}

impl<T: 'static> Parameter for Owned<T, REFUSED> {
    type Out<'a> = T;
    const TYPE: TypeInfo = TypeInfo::of::<T>();

    fn read(_: &Inputs<'_>, index: usize) -> Result<T, Exception> {
        Err(super::inputs::misfit::<T>(index))
    }
}

impl<T: Send + Sync + 'static> Parameter for Shared<T> {
    type Out<'a> = Arc<T>;
    const TYPE: TypeInfo = TypeInfo::of::<T>();

    fn read(inputs: &Inputs<'_>, index: usize) -> Result<Arc<T>, Exception> {
        inputs.field_arc(index)
    }
}

impl<S: Shape> Parameter for Along<S> {
    type Out<'a> = S::Out<'a>;
    const TYPE: TypeInfo = TypeInfo::of::<()>();

    #[inline]
    fn read<'a>(inputs: &'a Inputs<'_>, _: usize) -> Result<S::Out<'a>, Exception> {
        inputs.piped::<S>()
    }
}

/// How what an event returns becomes an outcome, of type `T` if it succeeds.
#[doc(hidden)]
pub trait Convert<R, T>: 'static {
    fn convert(returned: R) -> TaskOutcome;
}

/// It is converted in one of these ways; `Form` is how its type is read (see [`IntoOutcome`]).
#[derive(Debug)]
#[doc(hidden)]
pub struct By<Form, const HOW: u8 = STRAIGHT>(PhantomData<Form>);

/// It is not what an event may return, which has an error of its own.
const NOT_RETURNED: u8 = 0;
/// As [`IntoOutcome`] does it.
const STRAIGHT: u8 = 1;
/// Its error is dynamic: `anyhow::Error`, `eyre::Report`, a box. As a box, the first two would hide
/// what they carry.
const DYNAMIC: u8 = 2;

/// The way to convert what an event returns, made of the answers to these questions.
#[doc(hidden)]
pub const fn returned(is_returned: bool, has_error: bool, is_dynamic: bool) -> u8 {
    match (is_returned, is_dynamic && !has_error) {
        (false, _) => NOT_RETURNED,
        (true, false) => STRAIGHT,
        (true, true) => DYNAMIC,
    }
}

impl<R: IntoOutcome<Form, Output = T>, T, Form: 'static> Convert<R, T> for By<Form, STRAIGHT> {
    #[inline]
    fn convert(returned: R) -> TaskOutcome {
        returned.into_outcome()
    }
}

impl<V, E, T, Form: 'static> Convert<Result<V, E>, T> for By<Form, DYNAMIC>
where
    E: AsRef<dyn Error + Send + Sync> + Send + Sync + 'static,
    Result<V, Infallible>: IntoOutcome<Form, Output = T>,
{
    fn convert(returned: Result<V, E>) -> TaskOutcome {
        match returned {
            Ok(value) => Ok::<V, Infallible>(value).into_outcome(),
            Err(error) => Exception::of_dynamic(error).into(),
        }
    }
}

impl<R, T, Form: 'static> Convert<R, T> for By<Form, NOT_RETURNED> {
    fn convert(_: R) -> TaskOutcome {
        Exception::of_kind(ExceptionKind::Edge, String::new()).into()
    }
}

/// Types that are only named: nothing of them is kept.
type Marks<A, R, T, C, S> = fn() -> (A, R, T, C, S);

/// The signature of an event function: its parameters `A` as a tuple, what it returns `R`, what it
/// yields `T`, how the one becomes the other `C`, and how it takes what comes along `|->` `S`.
#[derive(Debug)]
#[doc(hidden)]
pub struct Signature<A, R, T, C, S>(PhantomData<Marks<A, R, T, C, S>>);

/// An event function, of a signature as in [`Signature`].
///
/// In a debug build `F` is a pointer to the function, so that all events with a signature share the
/// code that reads the parameters. In an optimised build it is the function itself, which is then
/// inlined there.
#[doc(hidden)]
pub struct Function<F, A, R, T, C, S> {
    function: F,
    signature: PhantomData<Marks<A, R, T, C, S>>,
}

impl<F: Copy, A, R, T, C, S> Clone for Function<F, A, R, T, C, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: Copy, A, R, T, C, S> Copy for Function<F, A, R, T, C, S> {}

impl<F, A, R, T, C, S> fmt::Debug for Function<F, A, R, T, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Function(..)")
    }
}

macro_rules! signatures {
    ($(($($A:ident $index:literal),*))+) => {$(
        impl<$($A: Parameter,)* R, T, C, S> Signature<($($A,)*), R, T, C, S> {
            /// The code of the function.
            #[cfg(debug_assertions)]
            pub const fn of(
                function: for<'a> fn($($A::Out<'a>),*) -> R,
            ) -> Function<for<'a> fn($($A::Out<'a>),*) -> R, ($($A,)*), R, T, C, S> {
                Function { function, signature: PhantomData }
            }

            /// The code of the function.
            #[cfg(not(debug_assertions))]
            pub const fn of<F: for<'a> Fn($($A::Out<'a>),*) -> R + Copy>(
                function: F,
            ) -> Function<F, ($($A,)*), R, T, C, S> {
                Function { function, signature: PhantomData }
            }
        }

        impl<F, $($A: Parameter,)* R, T, C, S> Body for Function<F, ($($A,)*), R, T, C, S>
        where
            F: for<'a> Fn($($A::Out<'a>),*) -> R + Copy + Send + Sync + 'static,
            R: 'static,
            T: Send + Sync + 'static,
            C: Convert<R, T>,
            S: Shape,
        {
            #[expect(clippy::allow_attributes, reason = "of the one without parameters")]
            #[allow(unused_variables, reason = "a function may take nothing")]
            fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome {
                C::convert((self.function)($(
                    match $A::read(inputs, $index) {
                        Ok(given) => given,
                        Err(missing) => return missing.into(),
                    }
                ),*))
            }

            fn call_async<'a>(&'a self, inputs: Inputs<'a>) -> BodyFuture<'a> {
                Box::pin(ready(self.call(&inputs)))
            }
        }

        impl<F, $($A: Parameter,)* R, T, C, S> Callee for Function<F, ($($A,)*), R, T, C, S>
        where
            F: for<'a> Fn($($A::Out<'a>),*) -> R + Copy + Send + Sync + 'static,
            R: 'static,
            T: Send + Sync + 'static,
            C: Convert<R, T>,
            S: Shape,
        {
            fn body(&self) -> Arc<dyn Body> {
                Arc::new(*self)
            }
            fn types(&self) -> Types {
                Types::of::<T, S>(&[$($A::TYPE),*])
            }
        }
    )+};
}

signatures! {
    ()
    (A0 0)
    (A0 0, A1 1)
    (A0 0, A1 1, A2 2)
    (A0 0, A1 1, A2 2, A3 3)
    (A0 0, A1 1, A2 2, A3 3, A4 4)
    (A0 0, A1 1, A2 2, A3 3, A4 4, A5 5)
    (A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6)
    (A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7)
}

/// The code of an event whose parameters are read by a function that the macro writes: an async one,
/// or one with many parameters.
#[doc(hidden)]
pub struct Calling<T, S> {
    call: fn(&Inputs<'_>) -> TaskOutcome,
    call_async: Option<for<'a> fn(Inputs<'a>) -> BodyFuture<'a>>,
    params: &'static [TypeInfo],
    types: PhantomData<fn() -> (T, S)>,
}

impl<T, S> Calling<T, S> {
    /// Code that waits for nothing.
    pub const fn plain(call: fn(&Inputs<'_>) -> TaskOutcome, params: &'static [TypeInfo]) -> Self {
        Self { call, call_async: None, params, types: PhantomData }
    }

    /// The code of an async event.
    pub const fn waiting(
        call: for<'a> fn(Inputs<'a>) -> BodyFuture<'a>,
        params: &'static [TypeInfo],
    ) -> Self {
        Self { call: super::only_async, call_async: Some(call), params, types: PhantomData }
    }
}

impl<T, S> fmt::Debug for Calling<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Calling(..)")
    }
}

impl<T: Send + Sync + 'static, S: Shape> Callee for Calling<T, S> {
    fn body(&self) -> Arc<dyn Body> {
        Arc::new(CallingBody { call: self.call, call_async: self.call_async })
    }
    fn types(&self) -> Types {
        Types::of::<T, S>(self.params)
    }
}

/// The body of [`Calling`], one type for all of them.
struct CallingBody {
    call: fn(&Inputs<'_>) -> TaskOutcome,
    call_async: Option<for<'a> fn(Inputs<'a>) -> BodyFuture<'a>>,
}

impl Body for CallingBody {
    #[inline]
    fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome {
        (self.call)(inputs)
    }

    fn call_async<'a>(&'a self, inputs: Inputs<'a>) -> BodyFuture<'a> {
        match self.call_async {
            Some(call) => call(inputs),
            None => super::at_once(move || self.call(&inputs)),
        }
    }
}

/// A body with a bypass check.
pub(super) struct Bypassing {
    pub(super) body: Arc<dyn Body>,
    pub(super) check: BypassCheck,
}

impl Body for Bypassing {
    fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome {
        self.body.call(inputs)
    }

    fn call_async<'a>(&'a self, inputs: Inputs<'a>) -> BodyFuture<'a> {
        self.body.call_async(inputs)
    }

    fn bypass(&self, inputs: &Inputs<'_>) -> Result<Bypass<Value>, Exception> {
        (self.check)(inputs)
    }
}
