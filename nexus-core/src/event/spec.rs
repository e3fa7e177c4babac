//! What an event says of itself: one constant, which the macros write down.

use std::fmt;

use super::ports::Ports;
use super::{Body, BodyFuture, BuildBody, DescriptorName, Event, Inputs, OwnField};
use crate::outcome::{Bypass, Descriptor, Exception, TaskOutcome};
use crate::settings::EventSettings;
use crate::shape::{Nothing, Shape};
use crate::value::{ToJson, TypeInfo, Value};
use crate::wire::{Transfer, WirePart};

/// What an event says of itself, to the flows that are checked when they are compiled, and to plans.
/// All of it is data, so that the compiler has no function of an event to translate but its code.
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Spec {
    pub name: &'static str,
    /// The first paragraph of its documentation, in one line.
    pub doc: &'static str,
    pub params: &'static [Param],
    /// What it yields, as it is written.
    pub output: WirePart,
    pub json: Option<ToJson>,
    /// A struct event's own fields, which a flow may set.
    pub own: &'static [OwnField],
    /// The branches that its value names.
    pub goto: Option<&'static [DescriptorName]>,
    pub typed_goto: Option<fn(&Value) -> Option<Descriptor>>,
    /// Whether the code is a future, which only `AsyncExecutor` runs.
    pub is_async: bool,
    pub can_bypass: bool,
    /// Whether a durable run records its outcome, where the flow does not say.
    pub checkpoint: bool,
    pub settings: Option<fn() -> EventSettings>,
    pub code: Code,
    /// Where it is defined.
    pub place: &'static str,
    pub types: Types,
    /// Whether this can be relied on; if not, there is another error already.
    pub known: bool,
}

/// A parameter of an event.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct Param {
    pub kind: ParamKind,
    /// Its name and type, as they are written.
    pub part: WirePart,
    /// The type that it borrows from, where that is not the type itself; otherwise empty.
    pub owned: &'static str,
    /// The type of the field or state.
    pub ty: TypeInfo,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub enum ParamKind {
    Field,
    Piped,
    State,
    Context,
}

/// Whether a task is skipped.
pub(crate) type BypassCheck = fn(&Inputs<'_>) -> Result<Bypass<Value>, Exception>;

/// What is called for each task.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub enum Code {
    Function(FunctionBody),
    /// A struct event is made from what a flow sets.
    Fields(BuildBody),
    /// What is no event has none.
    Nothing,
}

/// The code of an event function. It is one type for all of them, since the compiler translates what
/// a type has of a trait anew for each type.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct FunctionBody {
    pub call: fn(&Inputs<'_>) -> TaskOutcome,
    pub call_async: Option<for<'a> fn(Inputs<'a>) -> BodyFuture<'a>>,
    pub bypass: Option<BypassCheck>,
}

/// What the compiler alone knows of an event's types.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Types {
    /// The type by which reports are asked for the event.
    pub(crate) handle: TypeInfo,
    pub(crate) output: TypeInfo,
    pub(super) ports: &'static Ports,
}

impl Spec {
    /// What stands for the specification of what is no event: every check is silent about it.
    pub const NO_EVENT: Self = Self {
        name: "",
        doc: "",
        params: &[],
        output: WirePart { name: "", ty: "", by: Transfer::No },
        json: None,
        own: &[],
        goto: None,
        typed_goto: None,
        is_async: false,
        can_bypass: false,
        checkpoint: true,
        settings: None,
        code: Code::Nothing,
        place: "",
        types: Types::of::<(), (), Nothing>(),
        known: false,
    };

    /// What the types of `E` say.
    pub const fn of<E: Event>() -> Self {
        Self { types: Types::of::<E, E::Output, E::Piped>(), known: true, ..Self::NO_EVENT }
    }

    /// The parameter that takes what comes along `|->`.
    pub const fn piped(&self) -> Option<&Param> {
        let mut i = 0;
        while i < self.params.len() {
            if matches!(self.params[i].kind, ParamKind::Piped) {
                return Some(&self.params[i]);
            }
            i += 1;
        }
        None
    }

    /// The first parameter that cannot be sent to another process, or else the output, if it cannot.
    pub(crate) const fn unsendable(&self) -> Option<&WirePart> {
        let mut i = 0;
        while i < self.params.len() {
            if self.params[i].part.is_unsendable() {
                return Some(&self.params[i].part);
            }
            i += 1;
        }
        if self.output.is_unsendable() { Some(&self.output) } else { None }
    }
}

impl Param {
    /// One that takes the pipeline's field of its name.
    pub const fn field<T: 'static>(
        name: &'static str,
        ty: &'static str,
        owned: &'static str,
        by: Transfer,
    ) -> Self {
        Self::new::<T>(ParamKind::Field, name, ty, owned, by)
    }

    /// One that takes a `State<T>`.
    pub const fn state<T: 'static>(name: &'static str, ty: &'static str, by: Transfer) -> Self {
        Self::new::<T>(ParamKind::State, name, ty, "", by)
    }

    /// One that takes what comes along `|->`.
    pub const fn piped(
        name: &'static str,
        ty: &'static str,
        owned: &'static str,
        by: Transfer,
    ) -> Self {
        Self::new::<()>(ParamKind::Piped, name, ty, owned, by)
    }

    /// One that takes the context.
    pub const fn context(name: &'static str, ty: &'static str) -> Self {
        Self::new::<()>(ParamKind::Context, name, ty, "", Transfer::Context)
    }

    const fn new<T: 'static>(
        kind: ParamKind,
        name: &'static str,
        ty: &'static str,
        owned: &'static str,
        by: Transfer,
    ) -> Self {
        Self { kind, part: WirePart { name, ty, by }, owned, ty: TypeInfo::of::<T>() }
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.part.name
    }
}

impl Types {
    const fn of<E: 'static, T: Send + Sync + 'static, S: Shape>() -> Self {
        Self {
            handle: TypeInfo::of::<E>(),
            output: TypeInfo::of::<T>(),
            ports: Ports::shared::<T, S>(),
        }
    }
}

impl Code {
    /// Code that waits for nothing and has no bypass check.
    pub const fn function(call: fn(&Inputs<'_>) -> TaskOutcome) -> Self {
        Self::Function(FunctionBody { call, call_async: None, bypass: None })
    }

    /// The code of an async event.
    pub const fn async_function(call: for<'a> fn(Inputs<'a>) -> BodyFuture<'a>) -> Self {
        Self::Function(FunctionBody {
            call: super::only_async,
            call_async: Some(call),
            bypass: None,
        })
    }

    /// The same code, with a bypass check.
    #[must_use]
    pub const fn with_bypass(self, check: BypassCheck) -> Self {
        match self {
            Self::Function(body) => Self::Function(FunctionBody { bypass: Some(check), ..body }),
            other => other,
        }
    }
}

impl Body for FunctionBody {
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

    fn bypass(&self, inputs: &Inputs<'_>) -> Result<Bypass<Value>, Exception> {
        self.bypass.map_or_else(|| Ok(Bypass::no()), |check| check(inputs))
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for FunctionBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FunctionBody(..)")
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Types").field(&self.handle).finish()
    }
}
