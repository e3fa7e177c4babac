//! Which shapes take what comes along `|->`: the relation that [`Shape::accepts`] computes when a
//! flow is planned, as the compiler sees it. Both must say the same.
//!
//! What comes along is named by events, not by types, so that a type that is no event makes no
//! second error.
//!
//! [`Shape::accepts`]: crate::shape::Shape::accepts

use std::marker::PhantomData;

use crate::event::Event;
use crate::outcome::Failure;
use crate::piped::Items;
use crate::shape::{ByArc, ByOption, ByRef, ByVal, List, Nothing, OrFailure, Tuple};
use crate::value::Borrowed;

/// What an event yields.
pub struct One<E>(PhantomData<E>);
/// What an `each` step of an event yields.
pub struct Each<E>(PhantomData<E>);
/// What comes along `0 |->`.
pub struct Failed;

/// A value of type `T`.
pub struct Single<T>(PhantomData<T>);
/// The values of an `each` step whose event yields `T`.
pub struct Many<T>(PhantomData<T>);

/// The shape takes what `U` stands for.
pub trait Accepts<U> {}

impl<E: Event, S: Accepts<Single<E::Output>>> Accepts<One<E>> for S {}
impl<E: Event, S: Accepts<Many<E::Output>>> Accepts<Each<E>> for S {}

impl<T> Accepts<Single<T>> for ByVal<T> {}
impl<B: Borrowed + ?Sized> Accepts<Single<B::Owned>> for ByRef<B> {}
impl<B: Borrowed + ?Sized> Accepts<Single<Option<B::Owned>>> for ByOption<B> {}
impl<T> Accepts<Single<T>> for ByArc<T> {}
impl<T, S: Accepts<Single<T>>> Accepts<Single<T>> for OrFailure<S> {}
impl<T, S: InPlace<T>> Accepts<Single<Vec<T>>> for List<S> {}

impl<T> Accepts<Many<T>> for ByVal<Vec<T>> {}
impl<T, B: Borrowed<Owned = Vec<T>> + ?Sized> Accepts<Many<T>> for ByRef<B> {}
impl<T> Accepts<Many<T>> for ByArc<Vec<T>> {}
impl<T, S: Accepts<Many<T>>> Accepts<Many<T>> for OrFailure<S> {}
impl<T, S: InPlace<T>> Accepts<Many<T>> for List<S> {}

impl Accepts<Failed> for ByVal<Failure> {}
impl Accepts<Failed> for ByRef<Failure> {}
impl Accepts<Failed> for ByArc<Failure> {}
impl<S: Accepts<Failed>> Accepts<Failed> for OrFailure<S> {}

/// The shape reads a `T` inside of a larger value.
pub trait InPlace<T> {}
impl<T> InPlace<T> for ByVal<T> {}
impl<B: Borrowed + ?Sized> InPlace<B::Owned> for ByRef<B> {}
impl<B: Borrowed + ?Sized> InPlace<Option<B::Owned>> for ByOption<B> {}
impl<T, S: InPlace<T>> InPlace<T> for OrFailure<S> {}
impl<T, S: InPlace<T>> InPlace<Vec<T>> for List<S> {}

/// The shape takes the items of what `U` stands for, one a task.
pub trait AcceptsItemsOf<U> {}

impl<E: Event, S: AcceptsItemsOf<Single<E::Output>>> AcceptsItemsOf<One<E>> for S {}
impl<E: Event, S: AcceptsItemsOf<Many<E::Output>>> AcceptsItemsOf<Each<E>> for S {}

impl<T> AcceptsItemsOf<Single<Vec<T>>> for ByVal<T> {}
impl<B: Borrowed + ?Sized> AcceptsItemsOf<Single<Vec<B::Owned>>> for ByRef<B> {}
impl<B: Borrowed + ?Sized> AcceptsItemsOf<Single<Vec<Option<B::Owned>>>> for ByOption<B> {}
impl<T> AcceptsItemsOf<Single<Items<T>>> for ByVal<T> {}
impl<B: Borrowed + ?Sized> AcceptsItemsOf<Single<Items<B::Owned>>> for ByRef<B> {}
impl<B: Borrowed + ?Sized> AcceptsItemsOf<Single<Items<Option<B::Owned>>>> for ByOption<B> {}
impl<T> AcceptsItemsOf<Single<Items<T>>> for ByArc<T> {}
impl<T> AcceptsItemsOf<Many<T>> for ByVal<T> {}
impl<B: Borrowed + ?Sized> AcceptsItemsOf<Many<B::Owned>> for ByRef<B> {}
impl<B: Borrowed + ?Sized> AcceptsItemsOf<Many<Option<B::Owned>>> for ByOption<B> {}
impl<T, S: InPlace<T>> AcceptsItemsOf<Single<Vec<Vec<T>>>> for List<S> {}
impl<T, S: InPlace<T>> AcceptsItemsOf<Single<Items<Vec<T>>>> for List<S> {}
impl<T, S: InPlace<T>> AcceptsItemsOf<Many<Vec<T>>> for List<S> {}
impl<U, S: AcceptsItemsOf<Single<U>>> AcceptsItemsOf<Single<U>> for OrFailure<S> {}
impl<T, S: AcceptsItemsOf<Many<T>>> AcceptsItemsOf<Many<T>> for OrFailure<S> {}

/// Whether the shape takes the members of a group one by one, as an `each` step does, is whether
/// each is one value that it takes: a group in the group is none.
pub trait ByMember {}
impl<S> ByMember for List<S> {}
impl<T> ByMember for ByVal<T> {}
impl<B: ?Sized> ByMember for ByRef<B> {}
impl<B: ?Sized> ByMember for ByOption<B> {}
impl<T> ByMember for ByArc<T> {}
impl<S: ByMember> ByMember for OrFailure<S> {}

/// How many members a group must have: [`ANY`](Self::ANY) for a list, 0 for what takes no group.
pub trait Arity {
    const ANY: usize = usize::MAX;
    const ARITY: usize;
}
impl Arity for Nothing {
    const ARITY: usize = 0;
}
impl<T> Arity for ByVal<T> {
    const ARITY: usize = 0;
}
impl<B: ?Sized> Arity for ByRef<B> {
    const ARITY: usize = 0;
}
impl<B: ?Sized> Arity for ByOption<B> {
    const ARITY: usize = 0;
}
impl<T> Arity for ByArc<T> {
    const ARITY: usize = 0;
}
impl<S: Arity> Arity for OrFailure<S> {
    const ARITY: usize = S::ARITY;
}
impl<S> Arity for List<S> {
    const ARITY: usize = usize::MAX;
}

/// The shape that takes a group's member number `I`. A wide group is checked member by member, so
/// nothing here recurses over its width.
pub trait Part<const I: usize> {
    type Shape;
}
impl<S, const I: usize> Part<I> for List<S> {
    type Shape = S;
}
impl<S: Part<I>, const I: usize> Part<I> for OrFailure<S> {
    type Shape = S::Shape;
}

/// A place inside of what an event takes: [`Whole`], or [`Nth`] member of a group in it.
pub trait Place {
    type Shape;
}
pub struct Whole<E>(PhantomData<E>);
pub struct Nth<P, const I: usize>(PhantomData<P>);
impl<E: Event> Place for Whole<E> {
    type Shape = E::Piped;
}
impl<P: Place<Shape: Part<I>>, const I: usize> Place for Nth<P, I> {
    type Shape = <P::Shape as Part<I>>::Shape;
}

macro_rules! tuples {
    ($n:literal: $($S:ident $T:ident $i:literal),+) => {
        impl<$($S),+> ByMember for Tuple<($($S,)+)> {}
        impl<$($S),+> Arity for Tuple<($($S,)+)> {
            const ARITY: usize = $n;
        }
        impl<$($T, $S: InPlace<$T>),+> Accepts<Single<($($T,)+)>> for Tuple<($($S,)+)> {}
        impl<$($T, $S: InPlace<$T>),+> InPlace<($($T,)+)> for Tuple<($($S,)+)> {}
        impl<$($T, $S: InPlace<$T>),+> AcceptsItemsOf<Single<Vec<($($T,)+)>>> for Tuple<($($S,)+)> {}
        impl<$($T, $S: InPlace<$T>),+> AcceptsItemsOf<Single<Items<($($T,)+)>>> for Tuple<($($S,)+)> {}
        impl<$($T, $S: InPlace<$T>),+> AcceptsItemsOf<Many<($($T,)+)>> for Tuple<($($S,)+)> {}
        tuples!(@parts ($($S),+) $($S $i),+);
    };
    (@parts $all:tt $($S:ident $i:literal),+) => { $(tuples!(@part $all $S $i);)+ };
    (@part ($($S:ident),+) $P:ident $i:literal) => {
        impl<$($S),+> Part<$i> for Tuple<($($S,)+)> {
            type Shape = $P;
        }
    };
}

tuples!(2: SA A 0, SB B 1);
tuples!(3: SA A 0, SB B 1, SC C 2);
tuples!(4: SA A 0, SB B 1, SC C 2, SD D 3);
tuples!(5: SA A 0, SB B 1, SC C 2, SD D 3, SE E 4);
tuples!(6: SA A 0, SB B 1, SC C 2, SD D 3, SE E 4, SF F 5);
tuples!(7: SA A 0, SB B 1, SC C 2, SD D 3, SE E 4, SF F 5, SG G 6);
tuples!(8: SA A 0, SB B 1, SC C 2, SD D 3, SE E 4, SF F 5, SG G 6, SH H 7);
