use super::{End, Input, Wiring, wiring};
use crate::parse;

/// `B<A` for each use: what it receives. `-` is nothing, `0` a failure, `(A,B)` a group, `A/B` alternatives.
fn shown(source: &str) -> String {
    let flow = parse(source).into_result().unwrap();
    let wiring = wiring(&flow);
    let uses: Vec<String> = wiring
        .uses
        .iter()
        .map(|it| {
            let input = match it.input {
                Input::Nothing => "-".to_owned(),
                Input::Piped { from, .. } => source_of(&wiring, from),
            };
            format!("{}{}<{input}", it.name, if it.each { "*" } else { "" })
        })
        .collect();
    format!("{} => {}", uses.join(" "), source_of(&wiring, wiring.output))
}

fn source_of(wiring: &Wiring<'_>, id: usize) -> String {
    let ends: Vec<String> = wiring.alternatives(id).map(|end| end_of(wiring, end)).collect();
    ends.join("/")
}

fn end_of(wiring: &Wiring<'_>, end: &End) -> String {
    match end {
        End::Output(id) => wiring.uses[*id].name.to_string(),
        End::Failure => "0".to_owned(),
        End::Group(members) => {
            let members: Vec<String> = members.iter().map(|id| source_of(wiring, *id)).collect();
            format!("({})", members.join(","))
        }
        End::AnyOf(_) => panic!("unresolved"),
    }
}

#[test]
fn what_flows_where() {
    for (source, expected) in [
        ("A", "A<- => A"),
        ("A -> B", "A<- B<- => B"),
        ("A |-> B |-> C", "A<- B<A C<B => C"),
        ("A || B |-> C", "A<- B<- C<(A,B) => C"),
        ("S |-> A || B", "S<- A<S B<S => (A,B)"),
        ("S -> A || B", "S<- A<- B<- => (A,B)"),
        ("A |-> {B -> C} |-> D", "A<- B<A C<- D<C => D"),
        ("A |-> {B || C |-> D} || E |-> F", "A<- B<A C<A D<(B,C) E<A F<(D,E) => F"),
        ("A (0 -> X) |-> D", "A<- X<- D<X/A => D"),
        ("A (0 -> X, 1 -> Y) |-> D", "A<- X<- Y<- D<X/Y => D"),
        ("A (0 |-> X, 1 |-> Y, 7 |-> Z) |-> D", "A<- X<0 Y<A Z<A D<X/Y/Z => D"),
        ("A (premium |-> P |-> Q) |-> D", "A<- P<A Q<P D<Q/A => D"),
        ("{A |-> B} (1 |-> X, 0 |-> {Y || Z}) |-> D", "A<- B<A X<B Y<0 Z<0 D<X/(Y,Z) => D"),
        ("A || B (0 |-> X) |-> D", "A<- B<- X<0 D<(A,X/B) => D"),
        ("A (1 -> B (1 -> C (1 -> D)))", "A<- B<- C<- D<- => D/C/B/A"),
        ("{A || B} (1 |-> X)", "A<- B<- X<(A,B) => X/(A,B)"),
    ] {
        assert_eq!(shown(source), expected, "{source}");
    }
}

#[test]
fn each_holds_for_the_steps_inside() {
    for (source, expected) in [
        ("F |-> R[each] |-> P", "F<- R*<F P<R => P"),
        ("F |-> {R -> S[each = false] || {T}}[each]", "F<- R*<F S<- T*<- => (S,T)"),
        ("{A (0 -> X)}[each] (0 -> Y)", "A*<- X*<- Y<- => Y/X/A"),
        ("A[each] (1 |-> X)", "A*<- X<A => X/A"),
    ] {
        assert_eq!(shown(source), expected, "{source}");
    }
}

#[test]
fn holes_hand_on_nothing() {
    let flow = parse("-> |-> B").flow;
    let wiring = wiring(&flow);
    let Input::Piped { from, .. } = wiring.uses[0].input else { panic!("not piped") };
    assert_eq!(wiring.alternatives(from).count(), 0);
    assert_eq!(wiring.alternatives(usize::MAX).count(), 0);
}

#[test]
fn nested_branches_stay_linear() {
    let wide = (7..5_000).map(|n| format!("{n} -> x")).collect::<Vec<_>>().join(", ");
    let mut source = format!("A ({wide})");
    for _ in 0..200 {
        source = format!("A (1 -> {source})");
    }
    let flow = parse(&source).into_result().unwrap();
    let wiring = wiring(&flow);
    let ends: usize = wiring.sources.iter().map(Vec::len).sum();
    assert!(ends < 3 * wiring.uses.len(), "{ends} ends of {} uses", wiring.uses.len());
    assert_eq!(wiring.alternatives(wiring.output).count(), 4_993 + 1 + 200);
}
