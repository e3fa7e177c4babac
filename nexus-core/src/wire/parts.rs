//! What of an event can be sent to another process, as the compiler found it.
#![allow(missing_docs, reason = "generated code names this, and nobody else")]

use std::fmt;
use std::marker::PhantomData;

use super::StateFactory;
#[cfg(feature = "wire")]
use super::{Codec, PipedCodec};
use crate::outcome::Exception;
use crate::value::Value;

/// A parameter, or the output, as it is written, and how it is sent.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct WirePart {
    /// The parameter's name; empty for the output.
    pub name: &'static str,
    /// Its type, as written.
    pub ty: &'static str,
    pub by: Transfer,
}

/// How a part is sent.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub enum Transfer {
    #[cfg(feature = "wire")]
    Value(Codec),
    #[cfg(feature = "wire")]
    Piped(PipedCodec),
    State(StateBuilder),
    /// The context, of which the other process has its own.
    Context,
    /// Its type is not `Serialize + Deserialize`.
    No,
    /// It is a state without a [`StateFactory`].
    NoFactory,
    /// It borrows: who reads it in another process has nothing to borrow from.
    Borrows,
}

impl WirePart {
    /// The output.
    pub const fn output(ty: &'static str, by: Transfer) -> Self {
        Self { name: "", ty, by }
    }

    pub(crate) const fn is_unsendable(&self) -> bool {
        self.by.is_unsendable()
    }

    /// What to write so that it can be sent.
    pub(crate) const fn cure(&self) -> &'static str {
        self.by.cure()
    }
}

impl Transfer {
    /// What to write so that there is a way.
    pub(crate) const fn cure(&self) -> &'static str {
        match self {
            Self::NoFactory => {
                "implement `nexus::StateFactory` for it, by which a worker process builds its own"
            }
            Self::Borrows => "use a type that owns its data, such as `String`",
            _ => "derive `serde::Serialize` and `serde::Deserialize` for it",
        }
    }

    /// Whether there is no way.
    pub(crate) const fn is_unsendable(&self) -> bool {
        matches!(self, Self::No | Self::NoFactory | Self::Borrows)
    }

    /// How a value is written and read, if that is known.
    #[cfg(feature = "wire")]
    pub(crate) const fn codec(&self) -> Option<&Codec> {
        match self {
            Self::Value(codec) => Some(codec),
            _ => None,
        }
    }
}

/// Builds a state in a worker process.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct StateBuilder {
    #[cfg_attr(not(feature = "wire"), expect(dead_code, reason = "nothing is sent"))]
    pub(crate) build: fn() -> Result<Value, Exception>,
}

impl fmt::Debug for StateBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateBuilder(..)")
    }
}

/// Whether and how a `T` is sent; where nothing here answers, `Fallback` does.
#[derive(Debug)]
#[doc(hidden)]
pub struct Serialisable<T>(PhantomData<T>);

/// Whether and how what the shape `S` takes is sent.
#[derive(Debug)]
#[doc(hidden)]
pub struct SerialisablePiped<S>(PhantomData<S>);

impl StateBuilder {
    /// Builds a `T`.
    pub(crate) const fn of<T: StateFactory>() -> Self {
        Self { build: || T::build().map(Value::new).map_err(Exception::new) }
    }
}

/// How a value is sent whose type is known to be serialisable.
#[doc(hidden)]
pub trait Plain: Sized {
    #[cfg(not(feature = "wire"))]
    const TRANSFER: Transfer = Transfer::No;
    #[cfg(feature = "wire")]
    const TRANSFER: Transfer;
}

#[cfg(not(feature = "wire"))]
impl<T> Plain for T {}

#[cfg(feature = "wire")]
impl<T> Plain for T
where
    T: serde::Serialize + serde::Deserialize<'static> + Send + Sync + 'static,
{
    const TRANSFER: Transfer = Transfer::Value(Codec::of::<T>());
}

/// The same of what the shape takes.
#[doc(hidden)]
pub trait PlainPiped: Sized {
    #[cfg(not(feature = "wire"))]
    const TRANSFER: Transfer = Transfer::No;
    #[cfg(feature = "wire")]
    const TRANSFER: Transfer;
}

#[cfg(not(feature = "wire"))]
impl<S> PlainPiped for S {}

#[cfg(feature = "wire")]
impl<S: super::piped::WireShape> PlainPiped for S {
    const TRANSFER: Transfer = Transfer::Piped(PipedCodec::of::<S>());
}

#[cfg(feature = "wire")]
impl<T> Serialisable<T>
where
    T: serde::Serialize + serde::Deserialize<'static> + Send + Sync + 'static,
{
    pub const VALUE: Transfer = Transfer::Value(Codec::of::<T>());
}

/// The same where nothing is sent.
#[cfg(not(feature = "wire"))]
impl<T> Serialisable<T> {
    pub const VALUE: Transfer = Transfer::No;
}

#[cfg(feature = "wire")]
impl<S: super::piped::WireShape> SerialisablePiped<S> {
    pub const PIPED: Transfer = Transfer::Piped(PipedCodec::of::<S>());
}
