//! What `#[derive(Pipeline)]` checks while the user's crate compiles (R2).
//!
//! A macro cannot see other macros' items, but the compiler can. So the macro *asks*: an inherent
//! constant whose bounds hold wins over the constant of a trait that everything implements, as in
//! [`Fits::IS`] and [`Otherwise::IS`]. The answers are plain values, which constant functions
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

mod ask;
mod check;
mod fed;
#[cfg(feature = "json-input")]
mod input;
mod text;

pub use ask::{
    Binds, ByValue, Define, Dynamic, FieldKind, FieldValue, Fits, FitsEach, FitsMember, HasError,
    Holds, Id, IsExecutor, Json, Listed, Of, Otherwise, OtherwiseDynamic, OtherwiseField,
    OtherwiseHolds, OtherwiseOf, OtherwiseReturns, OtherwiseStruct, Process, Processing, Returns,
    RunsAsync, RunsRemote, SerialisableOutput, Struct, StructEvent, Takes, Typed, Wide, by_value,
    conversion, needed,
};
pub use check::{Check, Given, Leaf, LeafKind, Members, Spec, SpecParam};
pub use fed::{Each, Failed, Nth, One, Part, Whole};
#[cfg(feature = "json-input")]
pub use input::readable;

#[cfg(test)]
mod tests;
