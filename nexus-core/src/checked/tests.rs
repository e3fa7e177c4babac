//! What the compiler is told of shapes is what the planner computes of them.

use super::Otherwise as _;
use super::fed::{ByMember, Failed, FedBy, FedEachBy, Val, Vals};
use crate::outcome::Failure;
use crate::piped::{Items, Up};
use crate::shape::{ByArc, ByOption, ByRef, ByVal, List, Nothing, OrFailure, Shape, Tuple};
use crate::value::TypeInfo;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

struct Fed<S, U>(PhantomData<(S, U)>);
impl<S: FedBy<U>, U> Fed<S, U> {
    const IS: bool = true;
}
struct FedEach<S, U>(PhantomData<(S, U)>);
impl<S: FedEachBy<U>, U> FedEach<S, U> {
    const IS: bool = true;
}
struct Member<S, U>(PhantomData<(S, U)>);
impl<S: ByMember + FedBy<U>, U> Member<S, U> {
    const IS: bool = true;
}

fn one<T: 'static>() -> Up {
    Up::One(TypeInfo::of::<T>())
}

fn many<T: 'static>() -> Up {
    Up::Each { list: TypeInfo::of::<Vec<T>>(), item: TypeInfo::of::<T>() }
}

macro_rules! check {
    ($($shape:ty),+ $(,)?) => {$(
        check!(@ $shape: Val<u8> = one::<u8>());
        check!(@ $shape: Val<String> = one::<String>());
        check!(@ $shape: Val<Vec<u8>> = one::<Vec<u8>>());
        check!(@ $shape: Val<Vec<(u8, String)>> = one::<Vec<(u8, String)>>());
        check!(@ $shape: Val<Vec<Vec<u8>>> = one::<Vec<Vec<u8>>>());
        check!(@ $shape: Val<(Vec<u8>, u8)> = one::<(Vec<u8>, u8)>());
        check!(@ $shape: Vals<Vec<u8>> = many::<Vec<u8>>());
        check!(@ $shape: Val<Items<u8>> = one::<Items<u8>>());
        check!(@ $shape: Val<(u8, String)> = one::<(u8, String)>());
        check!(@ $shape: Val<Failure> = one::<Failure>());
        check!(@ $shape: Val<PathBuf> = one::<PathBuf>());
        check!(@ $shape: Val<&'static str> = one::<&'static str>());
        check!(@ $shape: Val<Option<String>> = one::<Option<String>>());
        check!(@ $shape: Val<Vec<Option<String>>> = one::<Vec<Option<String>>>());
        check!(@ $shape: Val<Items<String>> = one::<Items<String>>());
        check!(@ $shape: Vals<Option<String>> = many::<Option<String>>());
        check!(@ $shape: Vals<u8> = many::<u8>());
        check!(@ $shape: Vals<String> = many::<String>());
        check!(@ $shape: Vals<(u8, String)> = many::<(u8, String)>());
        check!(@ $shape: Failed = Up::Reason);
    )+};
    (@ $shape:ty: $what:ty = $up:expr) => {
        let (shape, what, up) = (stringify!($shape), stringify!($what), $up);
        assert_eq!(Fed::<$shape, $what>::IS, <$shape>::accepts(&up), "{shape} takes {what}");
        let each = FedEach::<$shape, $what>::IS;
        assert_eq!(each, <$shape>::accepts_items_of(&up), "{shape} takes the items of {what}");
        let group = Up::Group(vec![up.clone(), up]);
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
