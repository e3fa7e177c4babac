//! A generator of flows over the whole grammar, and what holds for every script.
#![allow(dead_code, reason = "no test file uses all")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

pub(crate) mod checks;
pub(crate) mod fuzz;

use nexus_pointy::{
    Arrow, ArrowKind, Attempts, Attr, Branch, Descriptor, Flow, Ident, Link, Literal, LiteralKind,
    Name, Primary, Span, Unit,
};
use proptest::prelude::*;
use proptest::{collection::vec, option};

const NOWHERE: Span = Span::new(0, 0);

fn ident() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_][a-z0-9_]{1,6}", "[A-ZÄéж名][a-zA-Z0-9]{0,4}"]
        .prop_filter("reserved", |word| !matches!(word.as_str(), "_" | "true" | "false"))
}

fn name() -> impl Strategy<Value = Name> {
    vec(ident(), 1..4).prop_map(|parts| Name { text: parts.join("::").into(), span: NOWHERE })
}

fn key() -> impl Strategy<Value = Ident> {
    ident().prop_map(|text| Ident { text: text.into(), span: NOWHERE })
}

fn literal() -> impl Strategy<Value = Literal> {
    let leaf = prop_oneof![
        any::<u64>().prop_map(|it| LiteralKind::Int(it.into())),
        any::<u64>().prop_map(|it| LiteralKind::Int(-i128::from(it))),
        any::<f64>().prop_filter("finite", |it| it.is_finite()).prop_map(LiteralKind::Float),
        any::<String>().prop_map(|it| LiteralKind::Str(it.into())),
        any::<bool>().prop_map(LiteralKind::Bool),
        name().prop_map(LiteralKind::Name),
    ];
    let at = |kind| Literal { kind, span: NOWHERE };
    leaf.prop_map(at).prop_recursive(3, 12, 4, move |inner| {
        let map = vec((key(), inner.clone()), 0..4).prop_map(|mut entries| {
            entries.sort_by(|a, b| a.0.text.cmp(&b.0.text));
            entries.dedup_by(|a, b| a.0.text == b.0.text);
            LiteralKind::Map(entries)
        });
        prop_oneof![vec(inner, 0..4).prop_map(LiteralKind::List), map].prop_map(at)
    })
}

fn attr() -> impl Strategy<Value = Attr> {
    (key(), option::of(literal())).prop_map(|(key, value)| Attr { key, value, span: NOWHERE })
}

fn arrow() -> impl Strategy<Value = Arrow> {
    any::<bool>().prop_map(|pipe| Arrow {
        kind: if pipe { ArrowKind::Pipe } else { ArrowKind::Then },
        span: NOWHERE,
    })
}

fn descriptor() -> impl Strategy<Value = Descriptor> {
    prop_oneof![
        any::<u32>().prop_map(Descriptor::Number),
        ident().prop_map(|it| Descriptor::Name(it.into()))
    ]
}

fn branch(flow: BoxedStrategy<Flow>) -> impl Strategy<Value = Branch> {
    (descriptor(), arrow(), flow).prop_map(|(descriptor, arrow, flow)| Branch {
        descriptor,
        descriptor_span: NOWHERE,
        arrow,
        flow,
        span: NOWHERE,
    })
}

fn unit(
    primary: BoxedStrategy<Primary>,
    inner: Option<BoxedStrategy<Flow>>,
) -> BoxedStrategy<Unit> {
    let attempts =
        option::weighted(0.2, (2..=u32::MAX).prop_map(|count| Attempts { count, span: NOWHERE }));
    let branches = match inner {
        None => Just(Vec::new()).boxed(),
        Some(flow) => vec(branch(flow), 0..4)
            .prop_map(|mut branches| {
                branches.sort_by(|a, b| a.descriptor.cmp(&b.descriptor));
                branches.dedup_by(|a, b| a.descriptor == b.descriptor);
                branches
            })
            .boxed(),
    };
    (primary, attempts, vec(attr(), 0..3), branches)
        .prop_map(|(primary, attempts, attrs, branches)| Unit {
            primary,
            attempts,
            attrs,
            branches,
            span: NOWHERE,
        })
        .boxed()
}

fn chain(unit: BoxedStrategy<Unit>) -> BoxedStrategy<Flow> {
    vec((arrow(), vec(unit, 1..4)), 1..4)
        .prop_map(|links| Flow {
            links: links
                .into_iter()
                .enumerate()
                .map(|(at, (arrow, units))| Link {
                    arrow: (at > 0).then_some(arrow),
                    units,
                    span: NOWHERE,
                })
                .collect(),
            span: NOWHERE,
        })
        .boxed()
}

/// Any flow that a script can write, a few levels deep.
pub(crate) fn flow() -> BoxedStrategy<Flow> {
    let event = || name().prop_map(Primary::Event).boxed();
    chain(unit(event(), None))
        .prop_recursive(3, 24, 3, move |inner| {
            let group = inner.clone().prop_map(|flow| Primary::Flow(Box::new(flow)));
            let primary = prop_oneof![3 => event(), 1 => group].boxed();
            chain(unit(primary, Some(inner)))
        })
        .boxed()
}
