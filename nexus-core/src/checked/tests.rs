//! What the compiler is told of shapes is what the planner computes of them.

use super::Fallback as _;
use super::accepts::{Accepts, AcceptsItemsOf, ByMember, Failed, Many, Single};
use crate::outcome::Failure;
use crate::piped::{Items, Upstream};
use crate::shape::{ByArc, ByOption, ByRef, ByVal, List, Nothing, OrFailure, Shape, Tuple};
use crate::value::TypeInfo;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

struct AcceptsOne<S, U>(PhantomData<(S, U)>);
impl<S: Accepts<U>, U> AcceptsOne<S, U> {
    const IS: bool = true;
}
struct AcceptsItems<S, U>(PhantomData<(S, U)>);
impl<S: AcceptsItemsOf<U>, U> AcceptsItems<S, U> {
    const IS: bool = true;
}
struct Member<S, U>(PhantomData<(S, U)>);
impl<S: ByMember + Accepts<U>, U> Member<S, U> {
    const IS: bool = true;
}

fn one<T: 'static>() -> Upstream {
    Upstream::One(TypeInfo::of::<T>())
}

fn many<T: 'static>() -> Upstream {
    Upstream::Each { list: TypeInfo::of::<Vec<T>>(), item: TypeInfo::of::<T>() }
}

macro_rules! check {
    ($($shape:ty),+ $(,)?) => {$(
        check!(@ $shape: Single<u8> = one::<u8>());
        check!(@ $shape: Single<String> = one::<String>());
        check!(@ $shape: Single<Vec<u8>> = one::<Vec<u8>>());
        check!(@ $shape: Single<Vec<(u8, String)>> = one::<Vec<(u8, String)>>());
        check!(@ $shape: Single<Vec<Vec<u8>>> = one::<Vec<Vec<u8>>>());
        check!(@ $shape: Single<(Vec<u8>, u8)> = one::<(Vec<u8>, u8)>());
        check!(@ $shape: Many<Vec<u8>> = many::<Vec<u8>>());
        check!(@ $shape: Single<Items<u8>> = one::<Items<u8>>());
        check!(@ $shape: Single<(u8, String)> = one::<(u8, String)>());
        check!(@ $shape: Single<Failure> = one::<Failure>());
        check!(@ $shape: Single<PathBuf> = one::<PathBuf>());
        check!(@ $shape: Single<&'static str> = one::<&'static str>());
        check!(@ $shape: Single<Option<String>> = one::<Option<String>>());
        check!(@ $shape: Single<Vec<Option<String>>> = one::<Vec<Option<String>>>());
        check!(@ $shape: Single<Items<String>> = one::<Items<String>>());
        check!(@ $shape: Many<Option<String>> = many::<Option<String>>());
        check!(@ $shape: Many<u8> = many::<u8>());
        check!(@ $shape: Many<String> = many::<String>());
        check!(@ $shape: Many<(u8, String)> = many::<(u8, String)>());
        check!(@ $shape: Failed = Upstream::Reason);
    )+};
    (@ $shape:ty: $what:ty = $up:expr) => {
        let (shape, what, up) = (stringify!($shape), stringify!($what), $up);
        assert_eq!(AcceptsOne::<$shape, $what>::IS, <$shape>::accepts(&up), "{shape} takes {what}");
        let each = AcceptsItems::<$shape, $what>::IS;
        assert_eq!(each, <$shape>::accepts_items_of(&up), "{shape} takes the items of {what}");
        let group = Upstream::Group(vec![up.clone(), up]);
        let member = Member::<$shape, $what>::IS;
        assert_eq!(member, <$shape>::accepts_items_of(&group), "{shape} takes {what} as a member");
    };
}

#[test]
fn the_compiler_and_the_planner_agree() {
    check!(
        ByVal<u8>,
        ByRef<u8>,
        ByArc<u8>,
        ByRef<Vec<u8>>,
        ByArc<Vec<u8>>,
        ByRef<(u8, String)>,
        ByRef<str>,
        ByRef<[u8]>,
        ByRef<[Vec<u8>]>,
        ByRef<Path>,
        ByOption<str>,
        ByOption<String>,
        List<ByRef<str>>,
        List<ByRef<[u8]>>,
        List<ByOption<str>>,
        OrFailure<ByRef<[u8]>>,
        Tuple<(ByRef<[u8]>, ByVal<u8>)>,
        Tuple<(ByVal<u8>, ByRef<str>)>,
        ByVal<Failure>,
        ByArc<Failure>,
        OrFailure<ByVal<u8>>,
        OrFailure<ByRef<Failure>>,
        OrFailure<List<ByRef<u8>>>,
        List<ByVal<u8>>,
        List<ByRef<u8>>,
        List<OrFailure<ByRef<u8>>>,
        Tuple<(ByVal<u8>, ByRef<String>)>,
        Tuple<(OrFailure<ByVal<u8>>, ByRef<String>)>,
        Tuple<(ByArc<u8>, ByRef<String>)>,
        List<Tuple<(ByVal<u8>, ByRef<String>)>>,
        List<ByArc<u8>>,
        List<List<ByVal<u8>>>,
        Tuple<(List<ByVal<u8>>, ByVal<u8>)>,
        Nothing,
    );
}
