//! The ways a parameter can take what comes along `|->` (R5).
//!
//! The macro maps the syntax of a `#[piped]` parameter to a [`Shape`]: `&T` to [`ByRef`], `T` to
//! [`ByVal`], `Option<&T>` to [`ByOption`], `Arc<T>` to [`ByArc`], `Result<S, Failure>` to
//! [`OrFailure`], a tuple to [`Tuple`], `Vec<S>` to [`List`]. A shape knows which outputs it accepts (asked when a flow is planned) and
//! how to read one (asked when a task runs).

use std::any::Any;
use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::outcome::Failure;
use crate::piped::{EachRef, Items, Piped, Upstream};
use crate::value::{Borrowed, TypeInfo, Value};

/// Why a piped value could not be read.
#[derive(Debug)]
#[doc(hidden)]
pub enum Mismatch {
    /// The step before did not succeed, and the parameter wants a plain value.
    Failed(Failure),
    /// The value has another type. A planned flow never gets here.
    Type,
}

/// What an `each` step fans out over.
pub(crate) enum Fan {
    /// A list of so many items, which tasks read in place.
    List(usize),
    /// A stream whose items are handed out one by one.
    Stream(Box<dyn FnMut() -> Option<Value> + Send>),
}

/// Asks a value for its items; `None` if it has none of the wanted type.
#[doc(hidden)]
pub struct Fanned(pub(crate) Fan);

impl fmt::Debug for Fanned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fanned(..)")
    }
}

/// A way to take what comes along `|->`; see the module's documentation.
#[doc(hidden)]
pub trait Shape: 'static {
    /// What the event's parameter is.
    type Out<'a>;
    /// The type without reference or pointer, for messages.
    type Takes: Send + Sync + 'static;
    /// Whether the event takes anything at all.
    const TAKES: bool = true;
    /// Whether it can be read from inside a larger value.
    const IN_PLACE: bool = false;

    fn accepts(up: &Upstream) -> bool;
    fn accepts_items_of(_up: &Upstream) -> bool {
        false
    }
    fn read<'a>(piped: &'a Piped<'a>) -> Result<Self::Out<'a>, Mismatch>;
    /// The same of a plain value.
    #[inline]
    fn read_value(value: &Value) -> Result<Self::Out<'_>, Mismatch> {
        value.get::<Self::Takes>().and_then(Self::in_place).ok_or(Mismatch::Type)
    }
    fn fan(_value: &Value) -> Option<Fanned> {
        None
    }
    /// Reads a part of a larger value.
    fn in_place(_part: &Self::Takes) -> Option<Self::Out<'_>> {
        None
    }
    /// The elements of a list that is one value.
    fn read_list(list: &Value) -> Result<Vec<Self::Out<'_>>, Mismatch> {
        let items = list.get::<Vec<Self::Takes>>().ok_or(Mismatch::Type)?;
        items.iter().map(|item| Self::in_place(item).ok_or(Mismatch::Type)).collect()
    }
    /// The elements that an `each` step made.
    fn read_each(each: EachRef<'_>) -> Result<Vec<Self::Out<'_>>, Mismatch> {
        match &each.0.verdict {
            Some(failure) => Err(Mismatch::Failed(failure.clone())),
            None => Self::read_list(&each.0.values),
        }
    }
}

/// No `#[piped]` parameter.
#[derive(Debug)]
#[doc(hidden)]
pub struct Nothing(Infallible);

/// `&T`; of a `T` without a size, such as `str`, borrowed from the type that owns it.
#[derive(Debug)]
#[doc(hidden)]
pub struct ByRef<T: ?Sized>(PhantomData<T>);

/// `Option<&T>`, borrowed from an option.
#[derive(Debug)]
#[doc(hidden)]
pub struct ByOption<T: ?Sized>(PhantomData<T>);

/// `T`, cloned.
#[derive(Debug)]
#[doc(hidden)]
pub struct ByVal<T>(PhantomData<T>);

/// `Arc<T>`, shared.
#[derive(Debug)]
#[doc(hidden)]
pub struct ByArc<T>(PhantomData<T>);

/// `Result<S, Failure>`: either.
#[derive(Debug)]
#[doc(hidden)]
pub struct OrFailure<S>(PhantomData<S>);

/// `(A, B, ..)`: a group's members in script order, or an output that is such a tuple.
#[derive(Debug)]
#[doc(hidden)]
pub struct Tuple<S>(PhantomData<S>);

/// `Vec<S>`: a group's members, an `each` step's items, or an output that is such a list.
#[derive(Debug)]
#[doc(hidden)]
pub struct List<S>(PhantomData<S>);

impl Shape for Nothing {
    type Out<'a> = ();
    type Takes = ();
    const TAKES: bool = false;

    fn accepts(_up: &Upstream) -> bool {
        false
    }
    fn read<'a>(_piped: &'a Piped<'a>) -> Result<(), Mismatch> {
        Ok(())
    }
}

/// Whether what comes along is one value of type `T`.
fn is_one<T: 'static>(up: &Upstream) -> bool {
    let wanted = TypeInfo::of::<T>();
    match up {
        Upstream::One(ty) => ty.is(&wanted),
        Upstream::Each { list, .. } => list.is(&wanted),
        Upstream::Reason => wanted.is(&TypeInfo::of::<Failure>()),
        Upstream::Group(_) => false,
    }
}

/// Whether what comes along is many of type `T`, each of which can be its own `Value`.
fn streams<T: 'static>(up: &Upstream) -> bool {
    match up {
        Upstream::One(ty) => ty.is(&TypeInfo::of::<Items<T>>()),
        Upstream::Group(members) => members.iter().all(is_one::<T>),
        Upstream::Each { .. } | Upstream::Reason => false,
    }
}

/// Whether what comes along is many of type `T`.
fn is_many<T: 'static>(up: &Upstream) -> bool {
    match up {
        Upstream::One(ty) => ty.is(&TypeInfo::of::<Vec<T>>()) || streams::<T>(up),
        Upstream::Each { item, .. } => item.is(&TypeInfo::of::<T>()),
        Upstream::Group(_) => streams::<T>(up),
        Upstream::Reason => false,
    }
}

/// The one value that came along, in place.
fn one<'a, T: 'static>(piped: &'a Piped<'a>) -> Result<&'a T, Mismatch> {
    match piped {
        Piped::Value(value) => value.get().ok_or(Mismatch::Type),
        Piped::Failure(failure) => Err(Mismatch::Failed(failure.clone().into_owned())),
        Piped::Reason(failure) => {
            let failure: &dyn Any = &**failure;
            failure.downcast_ref().ok_or(Mismatch::Type)
        }
        Piped::Each(EachRef(each)) => match &each.verdict {
            Some(failure) => Err(Mismatch::Failed(failure.clone())),
            None => each.values.get().ok_or(Mismatch::Type),
        },
        Piped::Item(list, index) => {
            list.get::<Vec<T>>().and_then(|list| list.get(*index)).ok_or(Mismatch::Type)
        }
        Piped::Nothing | Piped::Group(_) | Piped::Members(_) => Err(Mismatch::Type),
    }
}

fn fan_list<T: Send + Sync + 'static>(value: &Value) -> Option<Fanned> {
    if let Some(list) = value.get::<Vec<T>>() {
        return Some(Fanned(Fan::List(list.len())));
    }
    fan_stream::<T>(value)
}

fn fan_stream<T: Send + Sync + 'static>(value: &Value) -> Option<Fanned> {
    // A stream gives its items once; a second reader finds it empty.
    let mut items = value.get::<Items<T>>()?.take();
    Some(Fanned(Fan::Stream(Box::new(move || items.as_mut()?.next().map(Value::new)))))
}

/// Shapes that read one value where it is, alone or inside of a larger one.
macro_rules! in_place_shapes {
    ($(($($generics:tt)*) $shape:ty: $takes:ty => $out:ty { $borrow:expr })+) => {$(
        impl<$($generics)*> Shape for $shape
        where
            $takes: Send + Sync + 'static,
        {
            type Out<'a> = $out;
            type Takes = $takes;
            const IN_PLACE: bool = true;

            fn accepts(up: &Upstream) -> bool {
                is_one::<$takes>(up)
            }
            fn accepts_items_of(up: &Upstream) -> bool {
                is_many::<$takes>(up)
            }
            #[inline]
            fn read<'a>(piped: &'a Piped<'a>) -> Result<Self::Out<'a>, Mismatch> {
                match piped {
                    Piped::Value(value) => Self::read_value(value),
                    other => one::<$takes>(other).map($borrow),
                }
            }
            fn fan(value: &Value) -> Option<Fanned> {
                fan_list::<$takes>(value)
            }
            #[inline]
            fn in_place(part: &$takes) -> Option<Self::Out<'_>> {
                Some(part).map($borrow)
            }
        }
    )+};
}

in_place_shapes! {
    (T: Clone) ByVal<T>: T => T { T::clone }
    (T: Borrowed + ?Sized + 'static) ByRef<T>: T::Owned => &'a T { T::Owned::borrow }
    (T: Borrowed + ?Sized + 'static) ByOption<T>: Option<T::Owned> => Option<&'a T> {
        |option| option.as_ref().map(T::Owned::borrow)
    }
}

impl<T: Send + Sync + 'static> Shape for ByArc<T> {
    type Out<'a> = Arc<T>;
    type Takes = T;

    fn accepts(up: &Upstream) -> bool {
        is_one::<T>(up)
    }
    fn accepts_items_of(up: &Upstream) -> bool {
        // An item inside a list cannot be shared without cloning it.
        streams::<T>(up)
    }
    fn read<'a>(piped: &'a Piped<'a>) -> Result<Arc<T>, Mismatch> {
        match piped {
            Piped::Value(value) => Self::read_value(value),
            Piped::Each(EachRef(each)) if each.verdict.is_none() => {
                each.values.arc().ok_or(Mismatch::Type)
            }
            Piped::Reason(failure) => {
                Value::new(failure.clone().into_owned()).arc().ok_or(Mismatch::Type)
            }
            other => match one::<T>(other) {
                Err(unfit) => Err(unfit),
                Ok(_) => Err(Mismatch::Type),
            },
        }
    }
    fn read_value(value: &Value) -> Result<Arc<T>, Mismatch> {
        value.arc().ok_or(Mismatch::Type)
    }
    fn fan(value: &Value) -> Option<Fanned> {
        fan_stream::<T>(value)
    }
}

impl<S: Shape> Shape for OrFailure<S> {
    type Out<'a> = Result<S::Out<'a>, Failure>;
    type Takes = S::Takes;
    const IN_PLACE: bool = S::IN_PLACE;

    fn accepts(up: &Upstream) -> bool {
        S::accepts(up)
    }
    fn accepts_items_of(up: &Upstream) -> bool {
        S::accepts_items_of(up)
    }
    fn read<'a>(piped: &'a Piped<'a>) -> Result<Self::Out<'a>, Mismatch> {
        match S::read(piped) {
            Ok(value) => Ok(Ok(value)),
            Err(Mismatch::Failed(failure)) => Ok(Err(failure)),
            Err(Mismatch::Type) => Err(Mismatch::Type),
        }
    }
    fn read_value(value: &Value) -> Result<Self::Out<'_>, Mismatch> {
        S::read_value(value).map(Ok)
    }
    fn fan(value: &Value) -> Option<Fanned> {
        S::fan(value)
    }
    fn in_place(part: &S::Takes) -> Option<Self::Out<'_>> {
        S::in_place(part).map(Ok)
    }
    fn read_list(list: &Value) -> Result<Vec<Self::Out<'_>>, Mismatch> {
        Ok(S::read_list(list)?.into_iter().map(Ok).collect())
    }
    fn read_each(each: EachRef<'_>) -> Result<Vec<Self::Out<'_>>, Mismatch> {
        let mut values = S::read_list(&each.0.values)?.into_iter();
        let mut failures = each.0.failures.iter().peekable();
        let mut bypassed = each.0.bypassed.iter().peekable();
        // Both are in order of their items; every other item has a value.
        let item = |index| {
            let is_this = |(item, _): &&(u64, Failure)| *item == index;
            match failures.next_if(is_this).or_else(|| bypassed.next_if(is_this)) {
                Some((_, failure)) => Some(Err(failure.clone())),
                None => values.next().map(Ok),
            }
        };
        Ok((0..each.0.total).map_while(item).collect())
    }
}

impl<S: Shape> Shape for List<S> {
    type Out<'a> = Vec<S::Out<'a>>;
    type Takes = Vec<S::Takes>;
    const IN_PLACE: bool = S::IN_PLACE;

    fn accepts(up: &Upstream) -> bool {
        match up {
            Upstream::Group(members) => members.iter().all(S::accepts),
            Upstream::Each { item, .. } => S::IN_PLACE && S::accepts(&Upstream::One(*item)),
            Upstream::One(ty) => S::IN_PLACE && ty.is(&TypeInfo::of::<Vec<S::Takes>>()),
            Upstream::Reason => false,
        }
    }
    fn accepts_items_of(up: &Upstream) -> bool {
        S::IN_PLACE && is_many::<Vec<S::Takes>>(up)
    }
    fn read<'a>(piped: &'a Piped<'a>) -> Result<Self::Out<'a>, Mismatch> {
        match piped {
            Piped::Group(members) => members.iter().map(S::read).collect(),
            Piped::Members(members) => members.iter().map(S::read_value).collect(),
            Piped::Each(each) => S::read_each(*each),
            other => Self::in_place(one(other)?).ok_or(Mismatch::Type),
        }
    }
    fn fan(value: &Value) -> Option<Fanned> {
        fan_list::<Vec<S::Takes>>(value)
    }
    fn in_place(part: &Vec<S::Takes>) -> Option<Vec<S::Out<'_>>> {
        part.iter().map(S::in_place).collect()
    }
}

macro_rules! tuple_shapes {
    ($($S:ident $i:tt),+) => {
        impl<$($S: Shape),+> Shape for Tuple<($($S,)+)>
        {
            type Out<'a> = ($($S::Out<'a>,)+);
            type Takes = ($($S::Takes,)+);
            const IN_PLACE: bool = true $(&& $S::IN_PLACE)+;

            fn accepts(up: &Upstream) -> bool {
                const MEMBERS: usize = [$($i),+].len();
                match up {
                    Upstream::Group(members) => {
                        members.len() == MEMBERS && true $(&& $S::accepts(&members[$i]))+
                    }
                    other => Self::IN_PLACE && is_one::<Self::Takes>(other),
                }
            }
            fn accepts_items_of(up: &Upstream) -> bool {
                Self::IN_PLACE && is_many::<Self::Takes>(up)
            }
            fn fan(value: &Value) -> Option<Fanned> {
                fan_list::<Self::Takes>(value)
            }
            fn in_place(part: &Self::Takes) -> Option<Self::Out<'_>> {
                Some(($($S::in_place(&part.$i)?,)+))
            }
            fn read<'a>(piped: &'a Piped<'a>) -> Result<Self::Out<'a>, Mismatch> {
                match piped {
                    Piped::Members(members) => {
                        Ok(($($S::read_value(members.get($i).ok_or(Mismatch::Type)?)?,)+))
                    }
                    Piped::Group(members) => {
                        Ok(($($S::read(members.get($i).ok_or(Mismatch::Type)?)?,)+))
                    }
                    other => Self::in_place(one(other)?).ok_or(Mismatch::Type),
                }
            }
        }
    };
}

tuple_shapes!(A 0, B 1);
tuple_shapes!(A 0, B 1, C 2);
tuple_shapes!(A 0, B 1, C 2, D 3);
tuple_shapes!(A 0, B 1, C 2, D 3, E 4);
tuple_shapes!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple_shapes!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple_shapes!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
