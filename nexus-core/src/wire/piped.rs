//! What came along `|->` as bytes: in the form in which the parameter's shape reads it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::codec::{Wire, read, write};
use super::errors::{Witness, read_failure, write_failure};
use super::parts::PipedCodec;
use crate::outcome::Failure;
use crate::piped::{EachRef, EachResult, OwnedPiped, Piped};
use crate::shape::{ByArc, ByRef, ByVal, List, Nothing, OrFailure, Shape, Tuple};
use crate::value::Value;

/// A shape whose values can cross.
#[doc(hidden)]
pub trait WireShape: Shape<Takes: Wire> {
    /// How member `index` of a group crosses; `None` for what takes no group so wide.
    fn member(_index: usize) -> Option<PipedCodec> {
        None
    }
}

impl WireShape for Nothing {}
impl<T: Wire> WireShape for ByRef<T> {}
impl<T: Wire + Clone> WireShape for ByVal<T> {}
impl<T: Wire> WireShape for ByArc<T> {}

impl<S: WireShape> WireShape for OrFailure<S> {
    fn member(index: usize) -> Option<PipedCodec> {
        S::member(index)
    }
}

impl<S: WireShape> WireShape for List<S>
where
    Vec<S::Takes>: Wire,
{
    fn member(_index: usize) -> Option<PipedCodec> {
        Some(PipedCodec::of::<S>())
    }
}

macro_rules! tuples {
    ($($S:ident $i:literal),+) => {
        impl<$($S: WireShape),+> WireShape for Tuple<($($S,)+)>
        where
            ($($S::Takes,)+): Wire,
        {
            fn member(index: usize) -> Option<PipedCodec> {
                match index {
                    $($i => Some(PipedCodec::of::<$S>()),)+
                    _ => None,
                }
            }
        }
    };
}
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

impl PipedCodec {
    pub(super) const fn of<S: WireShape>() -> Self {
        Self { encode: encode::<S>, decode: decode::<S> }
    }
}

/// What follows.
#[derive(Serialize, Deserialize)]
enum Form {
    Nothing,
    /// A value; an item of a list is one as well.
    Value,
    Failure,
    Reason,
    /// What an `each` step made of so many items, of which so many did not succeed, and whether
    /// its evaluation says no.
    Each {
        total: u64,
        failures: usize,
        failed: bool,
    },
    Group(usize),
}

const MISFIT: &str = "it has another type than was planned";

fn encode<S: WireShape>(piped: &Piped<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    if !S::TAKES {
        return write(&Form::Nothing, out);
    }
    let value = |value: &S::Takes, out: &mut Vec<u8>| {
        write(&Form::Value, out)?;
        value.encode(out)
    };
    match piped {
        Piped::Nothing => write(&Form::Nothing, out),
        Piped::Value(given) => value(given.get().ok_or(MISFIT)?, out),
        Piped::Item(list, index) => {
            let list = list.get::<Vec<S::Takes>>().ok_or(MISFIT)?;
            value(list.get(*index).ok_or(MISFIT)?, out)
        }
        Piped::Failure(failure) => {
            write(&Form::Failure, out)?;
            write_other(failure, out)
        }
        Piped::Reason(failure) => {
            write(&Form::Reason, out)?;
            write_other(failure, out)
        }
        Piped::Each(EachRef(each)) => {
            let (total, failures) = (each.total, each.failures.len());
            write(&Form::Each { total, failures, failed: each.verdict.is_some() }, out)?;
            each.values.get::<S::Takes>().ok_or(MISFIT)?.encode(out)?;
            for (index, failure) in &each.failures {
                write(index, out)?;
                write_other(failure, out)?;
            }
            each.verdict.as_ref().map_or(Ok(()), |verdict| write_other(verdict, out))
        }
        Piped::Group(members) => {
            write(&Form::Group(members.len()), out)?;
            for (index, member) in members.iter().enumerate() {
                (S::member(index).ok_or(MISFIT)?.encode)(member, out)?;
            }
            Ok(())
        }
    }
}

fn decode<S: WireShape>(input: &mut &[u8]) -> Result<OwnedPiped, String> {
    let value = |input: &mut &[u8]| S::Takes::decode(input).map(Value::new);
    Ok(match read(input)? {
        Form::Nothing => OwnedPiped::Nothing,
        Form::Value => OwnedPiped::Value(value(input)?),
        Form::Failure => OwnedPiped::Failure(read_failure(None, input)?),
        Form::Reason => OwnedPiped::Reason(read_failure(None, input)?),
        Form::Each { total, failures, failed } => {
            let values = value(input)?;
            let failure =
                |input: &mut &[u8]| Ok::<_, String>((read(input)?, read_failure(None, input)?));
            let failures = (0..failures).map(|_| failure(input)).collect::<Result<_, _>>()?;
            let verdict = if failed { Some(read_failure(None, input)?) } else { None };
            OwnedPiped::Each(Arc::new(EachResult { values, failures, total, verdict }))
        }
        Form::Group(members) => {
            let member = |index| (S::member(index).ok_or(MISFIT)?.decode)(input);
            OwnedPiped::Group((0..members).map(member).collect::<Result<_, String>>()?)
        }
    })
}

/// A failure of a step before, whose output type is not known here.
fn write_other(failure: &Failure, out: &mut Vec<u8>) -> Result<(), String> {
    write_failure(failure, None, &Witness::NONE, out)
}
