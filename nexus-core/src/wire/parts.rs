//! What of an event can cross, as the compiler found it.
#![allow(missing_docs, reason = "generated code names this, and nobody else")]

use std::fmt;
use std::marker::PhantomData;

use super::StateFactory;
use crate::outcome::Exception;
use crate::piped::{OwnedPiped, Piped};
use crate::value::{TypeInfo, Value};

/// How an event's parameters and its output cross, as far as they can.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct EventWire {
    /// One for each parameter, in order.
    pub parts: &'static [WirePart],
    pub output: WirePart,
}

/// A parameter, or the output.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct WirePart {
    /// The parameter's name; empty for the output.
    pub name: &'static str,
    /// The type that crosses, as written.
    pub ty: &'static str,
    pub by: Crossing,
}

/// How a part crosses.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub enum Crossing {
    Value(Codec),
    Piped(PipedCodec),
    State(StateMaker),
    /// The context, of which the other process has its own.
    Context,
    /// Its type is not `Serialize + Deserialize`.
    No,
    /// It is a state without a [`StateFactory`].
    NoFactory,
    /// It borrows: who reads it in another process has nothing to borrow from.
    Borrows,
}

impl EventWire {
    /// That of an event of which nothing can cross.
    pub const NONE: Self =
        Self { parts: &[], output: WirePart { name: "", ty: "", by: Crossing::No } };

    /// The first part that cannot cross.
    pub(crate) const fn stuck(&self) -> Option<&WirePart> {
        let mut i = 0;
        while i < self.parts.len() {
            if self.parts[i].is_stuck() {
                return Some(&self.parts[i]);
            }
            i += 1;
        }
        if self.output.is_stuck() { Some(&self.output) } else { None }
    }
}

impl WirePart {
    pub(crate) const fn is_stuck(&self) -> bool {
        matches!(self.by, Crossing::No | Crossing::NoFactory | Crossing::Borrows)
    }

    /// What to write so that it can cross.
    pub(crate) const fn cure(&self) -> &'static str {
        match self.by {
            Crossing::NoFactory => {
                "implement `nexus::StateFactory` for it, by which a worker process builds its own"
            }
            Crossing::Borrows => "use a type that owns its data, such as `String`",
            _ => "derive `serde::Serialize` and `serde::Deserialize` for it",
        }
    }
}

/// Writes and reads values of one type.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Codec {
    pub(super) encode: fn(&Value, &mut Vec<u8>) -> Result<(), String>,
    pub(super) decode: fn(&mut &[u8]) -> Result<Value, String>,
}

/// Writes and reads what came along `|->` as one shape takes it.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct PipedCodec {
    pub(super) encode: fn(&Piped<'_>, &mut Vec<u8>) -> Result<(), String>,
    pub(super) decode: fn(&mut &[u8]) -> Result<OwnedPiped, String>,
}

/// Builds a state in a worker process.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct StateMaker {
    pub(crate) ty: TypeInfo,
    pub(crate) build: fn() -> Result<Value, Exception>,
}

macro_rules! shown_as {
    ($($ty:ident)+) => {$(
        impl fmt::Debug for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($ty), "(..)"))
            }
        }
    )+};
}
shown_as!(Codec PipedCodec StateMaker);

/// Whether and how a `T` crosses; where nothing here answers, `Otherwise` does.
#[derive(Debug)]
#[doc(hidden)]
pub struct Crosses<T>(PhantomData<T>);

/// Whether and how what the shape `S` takes crosses.
#[derive(Debug)]
#[doc(hidden)]
pub struct CrossesPiped<S>(PhantomData<S>);

impl<T: StateFactory> Crosses<T> {
    pub const STATE: Crossing = Crossing::State(StateMaker {
        ty: TypeInfo::of::<T>(),
        build: || T::build().map(Value::new).map_err(Exception::new),
    });
}

#[cfg(feature = "process")]
impl<T: super::Wire> Crosses<T> {
    pub const VALUE: Crossing = Crossing::Value(Codec::of::<T>());
}

#[cfg(feature = "process")]
impl<S: super::WireShape> CrossesPiped<S> {
    pub const PIPED: Crossing = Crossing::Piped(PipedCodec::of::<S>());
}
