//! What came along `|->`, serialised in the form in which the parameter's shape reads it.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, SeqAccess, VariantAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::codec::{Codec, ValueRef};
use super::pair::Pair;
use crate::outcome::Failure;
use crate::piped::{EachRef, EachResult, OwnedPiped, Piped};
use crate::shape::{ByArc, ByOption, ByRef, ByVal, List, Nothing, OrFailure, Shape, Tuple};
use crate::value::{Borrowed, Value};

/// A type that can be serialised and read without borrowing.
pub trait Sendable: Serialize + Deserialize<'static> + Send + Sync + 'static {}
impl<T: Serialize + Deserialize<'static> + Send + Sync + 'static> Sendable for T {}

/// A shape whose values can be sent.
pub trait WireShape: Shape<Takes: Sendable> {
    /// How member `index` of a group is sent; `None` for what takes no group so wide.
    fn member(_index: usize) -> Option<PipedCodec> {
        None
    }
}

impl WireShape for Nothing {}
impl<T: Borrowed<Owned: Sendable> + ?Sized + 'static> WireShape for ByRef<T> {}
impl<T: Borrowed + ?Sized + 'static> WireShape for ByOption<T> where Option<T::Owned>: Sendable {}
impl<T: Sendable + Clone> WireShape for ByVal<T> {}
impl<T: Sendable> WireShape for ByArc<T> {}

impl<S: WireShape> WireShape for OrFailure<S> {
    fn member(index: usize) -> Option<PipedCodec> {
        S::member(index)
    }
}

impl<S: WireShape> WireShape for List<S>
where
    Vec<S::Takes>: Sendable,
{
    fn member(_index: usize) -> Option<PipedCodec> {
        Some(PipedCodec::of::<S>())
    }
}

macro_rules! tuples {
    ($($S:ident $i:literal),+) => {
        impl<$($S: WireShape),+> WireShape for Tuple<($($S,)+)>
        where
            ($($S::Takes,)+): Sendable,
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

/// Serialises what came along `|->` as one shape takes it, and reads it back.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct PipedCodec {
    /// Whether the event takes anything at all.
    takes: bool,
    value: Codec,
    member: fn(usize) -> Option<PipedCodec>,
}

impl PipedCodec {
    pub(super) const fn of<S: WireShape>() -> Self {
        Self { takes: S::TAKES, value: Codec::of::<S::Takes>(), member: S::member }
    }

    pub(super) fn borrow<'a>(self, piped: &'a Piped<'a>) -> Result<PipedRef<'a>, &'static str> {
        if !self.takes {
            return Ok(PipedRef::Nothing);
        }
        Ok(match piped {
            Piped::Nothing => PipedRef::Nothing,
            Piped::Value(value) => PipedRef::Value(self.value.borrow(value).ok_or(OTHER_TYPE)?),
            Piped::Item(list, index) => {
                PipedRef::Value(self.value.borrow_item(list, *index).ok_or(OTHER_TYPE)?)
            }
            Piped::Failure(failure) => PipedRef::Failure(failure),
            Piped::Reason(failure) => PipedRef::Reason(failure),
            Piped::Each(EachRef(each)) => {
                let values = self.value.borrow(&each.values).ok_or(OTHER_TYPE)?;
                let header = EachHeader {
                    total: each.total,
                    failures: &each.failures,
                    bypassed: &each.bypassed,
                    bypassed_total: each.bypassed_total,
                    verdict: each.verdict.as_ref(),
                };
                PipedRef::Each((header, values))
            }
            Piped::Group(members) => {
                let member = |(index, piped): (usize, &'a Piped<'a>)| {
                    (self.member)(index).ok_or(OTHER_TYPE)?.borrow(piped)
                };
                PipedRef::Group(members.iter().enumerate().map(member).collect::<Result<_, _>>()?)
            }
            // Only a task that stays with its run reads what came along where it is.
            Piped::Members(_) => return Err(OTHER_TYPE),
        })
    }
}

const OTHER_TYPE: &str = "it has another type than was planned";

impl fmt::Debug for PipedCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PipedCodec(..)")
    }
}

/// What came along, on its way into a serde format.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PipedRef<'a> {
    Nothing,
    /// A value; an item of a list is one as well.
    Value(ValueRef<'a>),
    Failure(&'a Failure),
    /// The failure itself is what is handed on, as along `0 |->`.
    Reason(&'a Failure),
    /// What an `each` step made of its items.
    Each((EachHeader<'a>, ValueRef<'a>)),
    Group(Vec<PipedRef<'a>>),
}

#[derive(Serialize)]
pub(super) struct EachHeader<'a> {
    total: u64,
    failures: &'a [(u64, Failure)],
    bypassed: &'a [(u64, Failure)],
    bypassed_total: u64,
    verdict: Option<&'a Failure>,
}

#[derive(Deserialize)]
struct OwnedEachHeader {
    total: u64,
    failures: Vec<(u64, Failure)>,
    bypassed: Vec<(u64, Failure)>,
    bypassed_total: u64,
    verdict: Option<Failure>,
}

impl OwnedEachHeader {
    fn with_values(self, values: Value) -> EachResult {
        let Self { total, failures, bypassed, bypassed_total, verdict } = self;
        let unfinished = Vec::new();
        EachResult { values, failures, bypassed, bypassed_total, unfinished, total, verdict }
    }
}

#[derive(Deserialize)]
#[serde(variant_identifier, rename_all = "snake_case")]
enum PipedKind {
    Nothing,
    Value,
    Failure,
    Reason,
    Each,
    Group,
}

const KINDS: &[&str] = &["nothing", "value", "failure", "reason", "each", "group"];

/// Reads what came along as one shape takes it.
pub(super) struct PipedSeed(pub(super) PipedCodec);

impl DeserializeSeed<'static> for PipedSeed {
    type Value = OwnedPiped;

    fn deserialize<D: Deserializer<'static>>(self, from: D) -> Result<OwnedPiped, D::Error> {
        from.deserialize_enum("Piped", KINDS, self)
    }
}

impl Visitor<'static> for PipedSeed {
    type Value = OwnedPiped;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what comes along an arrow")
    }

    fn visit_enum<A: EnumAccess<'static>>(self, data: A) -> Result<OwnedPiped, A::Error> {
        let (kind, content) = data.variant()?;
        Ok(match kind {
            PipedKind::Nothing => {
                content.unit_variant()?;
                OwnedPiped::Nothing
            }
            PipedKind::Value => OwnedPiped::Value(content.newtype_variant_seed(self.0.value)?),
            PipedKind::Failure => OwnedPiped::Failure(content.newtype_variant()?),
            PipedKind::Reason => OwnedPiped::Reason(content.newtype_variant()?),
            PipedKind::Each => {
                let pair = Pair::<OwnedEachHeader, _>::new(self.0.value);
                let (header, values) = content.newtype_variant_seed(pair)?;
                OwnedPiped::Each(Arc::new(header.with_values(values)))
            }
            PipedKind::Group => {
                OwnedPiped::Group(content.newtype_variant_seed(Members(self.0.member))?)
            }
        })
    }
}

/// The members of a group, each as its place in the parameter's shape takes it.
struct Members(fn(usize) -> Option<PipedCodec>);

impl DeserializeSeed<'static> for Members {
    type Value = Arc<[OwnedPiped]>;

    fn deserialize<D: Deserializer<'static>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl Visitor<'static> for Members {
    type Value = Arc<[OwnedPiped]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the members of a group")
    }

    fn visit_seq<A: SeqAccess<'static>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        // A list takes any number of members, so the end of the sequence is the end.
        while let Some(codec) = (self.0)(members.len()) {
            match seq.next_element_seed(PipedSeed(codec))? {
                Some(member) => members.push(member),
                None => return Ok(members.into()),
            }
        }
        Ok(members.into())
    }
}
