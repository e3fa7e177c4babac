//! What the compiler makes of the types that most events take and yield, made here once.
//!
//! A debug build shares the code of a generic function among crates, if a crate below has it already.
//! Without this, each program and each of its tests would translate the same functions for `u64` and
//! `String` anew.

use super::function::{Along, By, Lent, Owned, Signature};
use super::{Callee, Plain};
use crate::outcome::Outcome;
use crate::shape::{ByRef, ByVal};
use crate::value::{ToJson, to_json};
use crate::wire::{PlainTransfer, Transfer};

/// An event that takes a type in each of the usual ways.
fn event<T>(_: &T, _: &T, own: T) -> Outcome<T> {
    Outcome::success(own)
}

/// The same of what is piped by value.
fn piped<T>(own: T) -> Outcome<T> {
    Outcome::success(own)
}

/// What a plan knows of a type.
struct Common {
    _callees: [&'static dyn Callee; 2],
    _transfer: Transfer,
    _json: ToJson,
}

macro_rules! common {
    ($($ty:ty),+) => {
        [$(Common {
            _callees: [
                &Signature::<
                    (Along<ByRef<$ty>>, Lent<$ty>, Owned<$ty>), Outcome<$ty>, $ty, By<Plain>, ByRef<$ty>,
                >::of(event::<$ty>),
                &Signature::<
                    (Along<ByVal<$ty>>,), Outcome<$ty>, $ty, By<Plain>, ByVal<$ty>,
                >::of(piped::<$ty>),
            ],
            _transfer: <$ty as PlainTransfer>::TRANSFER,
            _json: to_json::<$ty>,
        }),+]
    };
}

#[used]
static COMMON: [Common; 6] = common!(bool, u32, u64, f64, String, Vec<String>);
