//! What generated code may call; re-exported as the hidden `__private`.
//!
//! Nothing here is meant to be written by hand, and nothing here is stable.
#![allow(missing_docs, reason = "nobody reads it")]

pub use std::boxed::Box;
pub use std::convert::{From, Into};
pub use std::default::Default;
pub use std::future::Future;
pub use std::iter::IntoIterator;
pub use std::marker::Send;
pub use std::option::Option;
pub use std::result::Result;
pub use std::string::String;
pub use std::sync::Arc;
pub use std::time::Duration;
pub use std::vec::Vec;

pub use crate::batch::{Batched, BatchesOf, CloneForBatch, ItemsOf};
pub use crate::checked::*;
pub use crate::context::{Context, State};
pub use crate::event::{
    Along, Body, BodyFuture, By, CLONED, Callee, Calling, Code, Convert, DescriptorName,
    Descriptors, Event, FromSetting, Function, Inputs, IntoBypass, IntoOutcome, Lent, LentOption,
    Nested, Options, OwnField, OwnValues, Owned, ParamKind, ParamSpec, Parameter, Plain,
    SendFuture, SettingKind, Shared, Signature, Spec, Types, Yields, only_async, returned, taken,
};
pub use crate::executor::{Executor, ExecutorInitializerConfig, ExecutorKind};
#[cfg(any(feature = "durable", feature = "json-input"))]
pub use crate::input::{FieldJsonError, FromJson, InputDefault, InputField, ReadJson, Step};
pub use crate::outcome::{Bypass, Descriptor, Exception, Failure, TaskOutcome};
pub use crate::pipeline::{CheckedFlow, DeclaredSchedule, Pipeline};
pub use crate::plan::Fields;
pub use crate::retry::{ErrorType, IntoRetryPolicy, Jitter, RetryPolicy};
pub use crate::settings::{EventExecutionEvaluationState, EventSettings};
pub use crate::shape::{ByArc, ByOption, ByRef, ByVal, List, Nothing, OrFailure, Shape, Tuple};
pub use crate::value::{Borrowed, OutputInfo, ToJson, TypeInfo, Value};
pub use crate::wire::{
    PlainPiped, PlainTransfer, Serialisable, SerialisablePiped, Transfer, WirePart,
};

#[cfg(feature = "registry")]
pub use crate::executor::LinkedExecutor;
#[cfg(feature = "registry")]
pub use crate::registry::{Linked, LinkedError};
#[cfg(feature = "registry")]
pub use inventory;

/// Tells the registry of an event. The macro need not know whether there is a registry.
#[cfg(feature = "registry")]
#[doc(hidden)]
#[macro_export]
macro_rules! __submit {
    ($private:ident, $event:ty) => {
        $private::inventory::submit! {
            $private::Linked(<$event as $private::Event>::SPEC)
        }
    };
}

/// Tells nobody of an event: the feature `registry` is off.
#[cfg(not(feature = "registry"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __submit {
    ($private:ident, $event:ty) => {};
}

pub use crate::__submit as submit;

/// Tells worker processes of an error type that a flow's policy lists.
#[cfg(feature = "registry")]
#[doc(hidden)]
#[macro_export]
macro_rules! __submit_error {
    ($private:path, $error:ident) => {
        const _: () = {
            use $private as __nexus;
            __nexus::inventory::submit! {
                __nexus::LinkedError($error)
            }
        };
    };
}

/// Tells nobody: the feature `registry` is off.
#[cfg(not(feature = "registry"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __submit_error {
    ($private:path, $error:ident) => {};
}

pub use crate::__submit_error as submit_error;

/// Says that runs of a pipeline can be resumed.
#[cfg(feature = "durable")]
#[doc(hidden)]
#[macro_export]
macro_rules! __submit_pipeline {
    ($private:path, $pipeline:ty) => {
        const _: () = {
            use $private as __nexus;
            __nexus::inventory::submit! {
                __nexus::linked_pipeline::<$pipeline>()
            }
        };
    };
}

/// Tells nobody: the feature `durable` is off.
#[cfg(not(feature = "durable"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __submit_pipeline {
    ($private:path, $pipeline:ty) => {};
}

pub use crate::__submit_pipeline as submit_pipeline;
#[cfg(feature = "durable")]
pub use crate::pipeline::linked_pipeline;

/// What only those need who read a pipeline's fields from text.
#[cfg(feature = "json-input")]
#[doc(hidden)]
#[macro_export]
macro_rules! __when_read {
    ($($item:tt)*) => {
        $($item)*
    };
}

/// Nobody reads fields from text: the feature `json-input` is off.
#[cfg(not(feature = "json-input"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __when_read {
    ($($item:tt)*) => {};
}

pub use crate::__when_read as when_read;

/// The traits whose constants answer where no inherent one does. They have no names, so that who
/// imports them all imports no name.
pub mod fallbacks {
    pub use crate::checked::{
        AskedOf as _, Fallback as _, FallbackAnswer as _, FallbackField as _, FallbackHolds as _,
    };
}

/// Asks a bypass check of an event that yields `T`.
pub fn bypass<T, A: IntoBypass<T>>(
    check: impl Fn(&Context) -> A,
    inputs: &Inputs<'_>,
) -> Result<Bypass<Value>, Exception> {
    check(inputs.context()).into_bypass()
}

/// The branch of variant number `index` of `T`.
pub fn descriptor<T: Descriptors>(index: usize) -> Descriptor {
    T::ALL.get(index).copied().map_or(Descriptor::SUCCESS, Descriptor::from)
}

/// The branch that a value names, if it is a `T`.
pub fn goto_of<T: Descriptors>(value: &Value) -> Option<Descriptor> {
    value.get::<T>().map(Descriptors::descriptor)
}

/// How a typed goto's value names its branch.
pub type BranchOf = fn(&Value) -> Option<Descriptor>;
