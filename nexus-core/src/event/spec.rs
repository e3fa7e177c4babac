//! What an event says of itself: one constant, which the macros write down.

use std::fmt;
use std::sync::Arc;

use super::ports::Ports;
use super::{Body, BuildBody, DescriptorName, Inputs, OwnField};
use crate::outcome::{Bypass, Descriptor, Exception};
use crate::settings::EventSettings;
use crate::shape::{Nothing, Shape};
use crate::value::{ToJson, TypeInfo, Value, to_json};
use crate::wire::{Transfer, WirePart};

/// What an event says of itself, to the flows that are checked when they are compiled, and to plans.
/// All of it is data, so that the compiler has no function of an event to translate but its code.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Spec {
    pub name: &'static str,
    /// The first paragraph of its documentation, in one line.
    pub doc: &'static str,
    pub params: &'static [ParamSpec],
    /// What it yields, as it is written.
    pub output: WirePart,
    pub yields: Yields,
    pub code: Code,
    /// Where it is defined.
    pub place: &'static str,
    /// The type by which reports are asked for the event.
    pub handle: TypeInfo,
    pub options: &'static Options,
    /// Whether this can be relied on; if not, there is another error already.
    pub known: bool,
}

/// What can be done with the value that an event yields.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Yields {
    pub json: Option<ToJson>,
    /// The branches that it names.
    pub goto: Option<TypedGoto>,
}

/// How a typed goto's value names its branch, and all that it may name.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct TypedGoto {
    pub names: &'static [DescriptorName],
    pub branch: fn(&Value) -> Option<Descriptor>,
}

/// What few events say of themselves.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Options {
    /// A struct event's own fields, which a flow may set.
    pub own: &'static [OwnField],
    /// Whether the code is a future, which only `AsyncExecutor` runs.
    pub is_async: bool,
    /// Whether a task is skipped. A struct event's code answers that itself.
    pub bypass: Option<BypassCheck>,
    pub can_bypass: bool,
    /// Whether a durable run records its outcome, where the flow does not say.
    pub checkpoint: bool,
    pub settings: Option<fn() -> EventSettings>,
}

/// A parameter of an event, as it is written.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct ParamSpec {
    pub kind: ParamKind,
    pub part: WirePart,
    /// The type that it borrows from, where that is not the type itself; otherwise empty.
    pub owned: &'static str,
}

/// A parameter of an event, with its type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param {
    pub(crate) kind: ParamKind,
    /// Its name and type, as they are written.
    pub(crate) part: WirePart,
    /// The type that it borrows from, where that is not the type itself; otherwise empty.
    pub(crate) owned: &'static str,
    /// The type of the field or state.
    pub(crate) ty: TypeInfo,
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

/// What a [`Spec`] names as its code, whatever its signature.
#[doc(hidden)]
pub trait Callee: Sync {
    /// The code, for plans.
    fn body(&self) -> Arc<dyn Body>;
    /// What the signature says, as data.
    fn types(&self) -> Types;
}

/// What is called for each task.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub enum Code {
    Function(&'static dyn Callee),
    /// A struct event is made from what a flow sets.
    Fields(BuildBody, Types),
    /// What is no event has none.
    Nothing,
}

/// What the compiler alone knows of an event's types.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Types {
    pub(crate) output: TypeInfo,
    pub(super) ports: &'static Ports,
    /// The types of the fields and states that its parameters take.
    pub(super) params: &'static [TypeInfo],
}

impl Types {
    /// What an event that yields `T` and takes what is piped as `S` does says by its types.
    pub const fn of<T: Send + Sync + 'static, S: Shape>(params: &'static [TypeInfo]) -> Self {
        Self { output: TypeInfo::of::<T>(), ports: Ports::shared::<T, S>(), params }
    }
}

impl Spec {
    /// What stands for the specification of what is no event: every check is silent about it.
    pub const NO_EVENT: Self = Self {
        name: "",
        doc: "",
        params: &[],
        output: WirePart { name: "", ty: "", by: Transfer::No },
        yields: Yields::NOTHING,
        code: Code::Nothing,
        place: "",
        handle: TypeInfo::of::<()>(),
        options: &Options::NONE,
        known: false,
    };

    /// The parameter that takes what comes along `|->`.
    pub const fn piped(&self) -> Option<&ParamSpec> {
        let mut i = 0;
        while i < self.params.len() {
            if matches!(self.params[i].kind, ParamKind::Piped) {
                return Some(&self.params[i]);
            }
            i += 1;
        }
        None
    }

    /// What its types say.
    pub(super) fn types(&self) -> Types {
        match self.code {
            Code::Function(code) => code.types(),
            Code::Fields(_, types) => types,
            Code::Nothing => Types::of::<(), Nothing>(&[]),
        }
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

impl Yields {
    const NOTHING: Self = Self { json: None, goto: None };

    /// That of a type which can be written as JSON and names no branches.
    pub const fn plain<T: serde::Serialize + 'static>() -> Self {
        Self { json: Some(to_json::<T>), goto: None }
    }
}

impl Options {
    /// What nothing is said of.
    pub const NONE: Self = Self {
        own: &[],
        is_async: false,
        bypass: None,
        can_bypass: false,
        checkpoint: true,
        settings: None,
    };
}

impl ParamSpec {
    /// One that takes the pipeline's field of its name.
    pub const fn field(
        name: &'static str,
        ty: &'static str,
        owned: &'static str,
        by: Transfer,
    ) -> Self {
        Self { kind: ParamKind::Field, part: WirePart { name, ty, by }, owned }
    }

    /// One that takes what comes along `|->`.
    pub const fn piped(
        name: &'static str,
        ty: &'static str,
        owned: &'static str,
        by: Transfer,
    ) -> Self {
        Self { kind: ParamKind::Piped, part: WirePart { name, ty, by }, owned }
    }

    /// A `&T`: that of a field, or the context.
    pub const fn lent(
        name: &'static str,
        ty: &'static str,
        owned: &'static str,
        is_context: bool,
        by: Transfer,
    ) -> Self {
        if is_context {
            let part = WirePart { name, ty, by: Transfer::Context };
            return Self { kind: ParamKind::Context, part, owned: "" };
        }
        Self::field(name, ty, owned, by)
    }

    /// A `T`: a field, or a `State<R>`, which another process builds by `factory`.
    pub const fn taken(
        name: &'static str,
        ty: &'static str,
        is_state: bool,
        factory: Transfer,
        by: Transfer,
    ) -> Self {
        if is_state {
            let part = WirePart { name, ty, by: factory };
            return Self { kind: ParamKind::State, part, owned: "" };
        }
        Self::field(name, ty, "", by)
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.part.name
    }
}

impl Param {
    pub(super) fn new(spec: &ParamSpec, ty: TypeInfo) -> Self {
        let ParamSpec { kind, part, owned } = *spec;
        Self { kind, part, owned, ty }
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.part.name
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Types").field(&self.output).finish()
    }
}

impl fmt::Debug for Yields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yields").field("json", &self.json.is_some()).finish_non_exhaustive()
    }
}

impl fmt::Debug for TypedGoto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedGoto").field(&self.names).finish()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("own", &self.own).finish_non_exhaustive()
    }
}
