//! What `#[derive(Pipeline)]` checks while the user's crate compiles (R2).
//!
//! A macro cannot see other macros' items, but the compiler can. So the macro *asks*: an inherent
//! constant whose bounds hold wins over the constant of a trait that everything implements, as in
//! [`AcceptsProbe::IS`] and [`Fallback::IS`]. The answers are plain values, which constant functions
//! ([`Check`]) compare; a mistake is one panic of a constant, at the user's token, with a message
//! made here. Only one constant a step demands `Event`; every other question is silent about a
//! type that is none.
#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::missing_errors_doc,
    clippy::return_self_not_must_use,
    reason = "generated code calls this, and nobody else"
)]

mod accepts;
mod check;
mod durable;
mod executor;
mod fields;
#[cfg(feature = "json-input")]
mod input;
mod probe;
mod text;

pub use accepts::{Each, Failed, Nth, One, Part, Whole};
pub use check::{Check, Leaf, LeafKind, Members, SettingValueKind};
pub use executor::{Answer, AskedOf, FallbackAnswer, NamedExecutor, Question};
pub use fields::PipelineFields;
#[cfg(feature = "json-input")]
pub use input::readable;
pub use probe::{
    AcceptsItemsProbe, AcceptsMemberProbe, AcceptsProbe, Binds, Cloned, ContextOf, Fallback,
    FallbackField, FallbackHolds, FieldKind, FieldValue, GroupArity, HasError, HasParameter, Holds,
    Hole, Id, IsDynamic, IsStream, Json, Listed, Name, Of, Process, Processing, RetriedError,
    Returns, StateOf, Struct, StructEvent, StructParts, Typed, YieldsStream, needed,
};

#[cfg(test)]
mod tests;
