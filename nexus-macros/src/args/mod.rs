//! The arguments of all attributes: one parser over the tables of keys that `nexus-pointy` has, and
//! one report of each mistake.

mod parse;

use std::time::Duration;

use nexus_pointy::settings::{
    ATTRIBUTE_KEYS, DESCRIPTOR_KEYS, EVENT_FIELD_KEYS, EvaluationState, Jitter, Key,
    PIPELINE_FIELD_KEYS, PIPELINE_KEYS, VARIANT_KEYS, ValueKind, check_value, parse_duration,
    repeated_key, unknown_key,
};
use nexus_pointy::{Literal, LiteralKind, Span};
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Type};

use crate::ctxt::{Ctxt, text_of};
use crate::literal::literal;

pub(crate) use parse::{Arg, Value, parse};

/// The keys of an attribute, and what is said where none stands.
pub(crate) struct Table {
    pub(crate) keys: &'static [Key],
    pub(crate) shape: &'static str,
}

/// `#[event(..)]`
pub(crate) const EVENT: Table =
    Table { keys: ATTRIBUTE_KEYS, shape: "write for example `executor = ThreadPoolExecutor`" };
/// `#[pipeline(..)]`
pub(crate) const PIPELINE: Table = Table {
    keys: PIPELINE_KEYS,
    shape: "write `#[pipeline(flow = first -> second)]`, or `#[pipeline(file = \"flow.pty\")]`",
};
/// `#[field(..)]` in a struct event.
pub(crate) const EVENT_FIELD: Table = Table {
    keys: EVENT_FIELD_KEYS,
    shape: "write `#[field(default)]` or `#[field(default = ..)]`",
};
/// `#[field(..)]` in a pipeline.
pub(crate) const PIPELINE_FIELD: Table = Table {
    keys: PIPELINE_FIELD_KEYS,
    shape: "write `#[field(default)]`, `#[field(default = ..)]` or `#[field(batch_size = 500)]`",
};
/// `#[descriptor(..)]` on an enum.
pub(crate) const DESCRIPTOR: Table = Table {
    keys: DESCRIPTOR_KEYS,
    shape: "descriptors stand on the variants: `#[descriptor(101)]`, `#[descriptor(name = \"x\")]`; the enum takes `crate = path` only",
};
/// `#[descriptor(..)]` on a variant.
pub(crate) const VARIANT: Table = Table {
    keys: VARIANT_KEYS,
    shape: "write `#[descriptor(101)]` or `#[descriptor(name = \"x\")]`",
};

/// The value of an argument: a checked literal, or an expression that is passed on.
pub(crate) enum ArgValue {
    Flag(bool),
    Count(u64),
    Seconds(f64),
    Duration(Duration),
    Text(LitStr),
    Types(Vec<Type>),
    Jitter(Jitter),
    Evaluation(EvaluationState),
    Expr(Expr),
}

/// The arguments of an attribute that has some.
pub(crate) fn of(cx: &Ctxt, attr: &Attribute, table: &Table) -> Vec<Arg> {
    match &attr.meta {
        Meta::List(list) if !list.tokens.is_empty() => parse(cx, list.tokens.clone(), table),
        _ => {
            cx.error(attr, table.shape);
            Vec::new()
        }
    }
}

/// The arguments whose keys are known, each once. The others are reported.
pub(crate) fn known(cx: &Ctxt, args: Vec<Arg>, keys: &'static [Key]) -> Vec<(Arg, &'static Key)> {
    let mut found: Vec<(Arg, &'static Key)> = Vec::new();
    for arg in args {
        let (name, nowhere) = (arg.name(), Span::default());
        match keys.iter().find(|key| key.name == name) {
            None => {
                cx.error(&arg.key, text_of(&unknown_key(&name, nowhere, keys)));
                complete_key(cx, &arg.key, keys);
            }
            Some(key) if found.iter().any(|(_, other)| *other == key) => {
                cx.error(&arg.key, text_of(&repeated_key(&name, nowhere)));
            }
            Some(key) => found.push((arg, key)),
        }
    }
    found
}

/// Lets an editor complete a key.
fn complete_key(cx: &Ctxt, typed: &Ident, keys: &[Key]) {
    cx.complete(typed, keys.iter().map(|key| (key.name, key.help)));
}

/// A value of `key`, if it is one.
pub(crate) fn value(cx: &Ctxt, key: &Key, at: &Ident, value: Option<Value>) -> Option<ArgValue> {
    let expr = match value {
        None if key.kind == ValueKind::Flag => return Some(ArgValue::Flag(true)),
        None => {
            report_invalid(cx, key, None, at);
            return None;
        }
        Some(Value::Types(types)) => return Some(ArgValue::Types(types)),
        Some(Value::Expr(expr)) => expr,
        Some(other) => {
            let map = Literal { kind: LiteralKind::Map(Vec::new()), span: Span::default() };
            report_invalid(cx, key, Some(&map), &other);
            return None;
        }
    };
    if key.kind == ValueKind::Seconds && is_not_finite(&expr) {
        cx.error(&expr, format!("`{}` takes a finite number of seconds, 0 or more", key.name));
        return None;
    }
    let value = match literal(&expr) {
        Some(value) if key.literal_only || !may_be_constant(key, &value) => value,
        None if key.literal_only => {
            report_invalid(cx, key, None, &expr);
            return None;
        }
        _ => return Some(ArgValue::Expr(expr)),
    };
    if report_invalid(cx, key, Some(&value), &expr) {
        if let (ValueKind::OneOf(options), Expr::Path(typed)) = (key.kind, &expr)
            && let Some(typed) = typed.path.get_ident()
        {
            cx.complete(typed, options.iter().map(|option| (*option, key.help)));
        }
        return None;
    }
    checked(key, &value, expr)
}

/// Whether a value is the name of what may be a constant of Rust.
fn may_be_constant(key: &Key, value: &Literal) -> bool {
    matches!(value.kind, LiteralKind::Name(_))
        && !matches!(key.kind, ValueKind::OneOf(_) | ValueKind::Types)
        || matches!(key.kind, ValueKind::Expr | ValueKind::OptionalExpr)
}

/// The value of a literal that has been checked.
fn checked(key: &Key, value: &Literal, expr: Expr) -> Option<ArgValue> {
    let word = || match &value.kind {
        LiteralKind::Name(name) => name.text.rsplit("::").next().unwrap_or_default().to_owned(),
        LiteralKind::Str(text) => text.to_string(),
        _ => String::new(),
    };
    Some(match (key.kind, &value.kind) {
        (ValueKind::Flag, LiteralKind::Bool(flag)) => ArgValue::Flag(*flag),
        (
            ValueKind::Count | ValueKind::CountFrom(_) | ValueKind::Bytes,
            LiteralKind::Int(number),
        ) => ArgValue::Count(u64::try_from(*number).unwrap_or(u64::MAX)),
        #[expect(clippy::cast_precision_loss, reason = "nobody waits 2^53 seconds")]
        (ValueKind::Seconds, LiteralKind::Int(number)) => ArgValue::Seconds(*number as f64),
        (ValueKind::Seconds, LiteralKind::Float(number)) => ArgValue::Seconds(*number),
        (ValueKind::Duration, LiteralKind::Str(text)) => {
            ArgValue::Duration(parse_duration(text).ok()?)
        }
        (ValueKind::OneOf(_), _) if key.name == "jitter" => ArgValue::Jitter(word().parse().ok()?),
        (ValueKind::OneOf(_), _) => ArgValue::Evaluation(word().parse().ok()?),
        (ValueKind::Text, _) => match expr {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => ArgValue::Text(text),
            expr => ArgValue::Expr(expr),
        },
        _ => ArgValue::Expr(expr),
    })
}

/// Reports what is wrong with a value, if anything.
pub(crate) fn report_invalid(
    cx: &Ctxt,
    key: &Key,
    value: Option<&Literal>,
    at: impl ToTokens,
) -> bool {
    match check_value(key, value) {
        Ok(()) => false,
        Err(wrong) => {
            cx.error(at, text_of(&wrong));
            true
        }
    }
}

/// `f64::NAN` and its kind.
fn is_not_finite(expr: &Expr) -> bool {
    let expr = match expr {
        Expr::Unary(unary) => &*unary.expr,
        expr => expr,
    };
    let Expr::Path(path) = expr else { return false };
    let last = path.path.segments.last().map(|last| last.ident.to_string());
    matches!(last.as_deref(), Some("NAN" | "INFINITY" | "NEG_INFINITY"))
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Expr(expr) => expr.to_tokens(tokens),
            Self::Type(ty) => ty.to_tokens(tokens),
            Self::Types(types) => types.iter().for_each(|ty| ty.to_tokens(tokens)),
            Self::Path(path) => path.to_tokens(tokens),
            Self::Group(_, group) | Self::Flow(group) => group.to_tokens(tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;

    /// Where in the expansion an editor finds the word that is typed.
    fn place(expansion: &TokenStream, typed: &str) -> Option<usize> {
        expansion.to_string().find(&format!("choices :: {typed}"))
    }

    #[test]
    fn an_editor_finds_a_half_typed_word_at_the_same_place_as_a_longer_one() {
        let item = quote!(
            fn a() -> Outcome<()> {
                Outcome::success(())
            }
        );
        let event = |args| crate::attribute::event(args, &item);
        let pairs = [
            (event(quote!(exec)), event(quote!(execx)), "executor"),
            (
                event(quote!(retry_policy = { max })),
                event(quote!(retry_policy = { maxx })),
                "max_attempts",
            ),
            (
                event(quote!(execution_evaluation_state = Succ)),
                event(quote!(execution_evaluation_state = Succx)),
                "SuccessForPartialSuccess",
            ),
        ];
        for ((typed, longer, offered), word) in pairs.into_iter().zip(["exec", "max", "Succ"]) {
            let at = place(&typed, word);
            assert!(at.is_some(), "{typed}");
            assert_eq!(place(&longer, &format!("{word}x")), at, "{longer}");
            assert!(typed.to_string().contains(&format!("pub const {offered}")), "{typed}");
        }
    }
}
