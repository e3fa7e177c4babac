//! The arguments of `#[event(..)]`, checked.

use std::time::Duration;

use nexus_pointy::settings::{
    ATTRIBUTE_KEYS, EXECUTOR_CONFIG_KEYS, EvaluationState, Jitter, Key, RETRY_KEYS, ValueKind,
    check_value, parse_duration, unknown_key,
};
use nexus_pointy::{Diagnostic, LiteralKind, Primary, code};
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Expr, ExprLit, Lit, Pat, Type};

use super::parse::{Arg, Value};
use crate::ctxt::{Ctxt, text_of};
use crate::literal::literal;
use crate::root::Root;

/// The arguments of `#[event(..)]`.
#[derive(Default)]
pub(crate) struct EventArgs {
    pub(crate) root: Root,
    pub(crate) name: Option<String>,
    pub(crate) bypass: Option<Expr>,
    pub(crate) executor: Option<Type>,
    pub(crate) config: Option<Group>,
    pub(crate) retry: Option<Group>,
    /// `stop_on_..`, `checkpoint` and `version`, each with its value.
    pub(crate) plain: Vec<(&'static str, ArgValue)>,
    pub(crate) evaluation: Option<ArgValue>,
    pub(crate) timeout: Option<ArgValue>,
}

/// A group of keys, or an expression in its place.
pub(crate) enum Group {
    Keys(Vec<(&'static str, ArgValue)>),
    Expr(Expr),
}

/// The value of an argument: a checked literal, or an expression that is passed on.
pub(crate) enum ArgValue {
    Flag(bool),
    Count(u64),
    Seconds(f64),
    Duration(Duration),
    Text(String),
    Types(Vec<Type>),
    Jitter(Jitter),
    Evaluation(EvaluationState),
    Expr(Expr),
}

/// Checks `args` against the keys that an event takes.
pub(crate) fn check(cx: &Ctxt, args: Vec<Arg>) -> EventArgs {
    let mut known = EventArgs::default();
    for (arg, key) in known_args(cx, args, ATTRIBUTE_KEYS) {
        match (key.name, arg.value) {
            ("crate", Some(Value::Path(path))) => known.root = Root::new(Some(path)),
            ("name", Some(Value::Expr(expr))) => known.name = name(cx, &expr),
            ("bypass", Some(Value::Expr(expr))) => known.bypass = bypass(cx, expr),
            ("executor", Some(Value::Type(ty))) => known.executor = Some(ty),
            ("executor", Some(value)) => {
                let message = "`executor` takes a type, such as `ThreadPoolExecutor`; set it up with `executor_config = { max_workers: 4 }`";
                cx.error(value, message);
            }
            ("executor_config", Some(Value::Group(args, _))) => {
                known.config = Some(Group::Keys(group(cx, args, EXECUTOR_CONFIG_KEYS)));
            }
            ("retry_policy", Some(Value::Group(args, _))) => {
                known.retry = Some(Group::Keys(group(cx, args, RETRY_KEYS)));
            }
            ("executor_config", Some(Value::Expr(expr))) => {
                known.config = group_expr(cx, key, expr);
            }
            ("retry_policy", Some(Value::Expr(expr))) => known.retry = group_expr(cx, key, expr),
            ("execution_evaluation_state", value) => {
                known.evaluation = arg_value(cx, key, &arg.key, value);
            }
            ("timeout", value) => known.timeout = arg_value(cx, key, &arg.key, value),
            (_, value) => {
                let arg_value = arg_value(cx, key, &arg.key, value);
                known.plain.extend(arg_value.map(|arg_value| (key.name, arg_value)));
            }
        }
    }
    known
}

/// The arguments whose keys are known, without repeated ones.
fn known_args(cx: &Ctxt, args: Vec<Arg>, keys: &'static [Key]) -> Vec<(Arg, &'static Key)> {
    let mut seen: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for arg in args {
        let name = arg.name();
        let Some(key) = keys.iter().find(|key| key.name == name) else {
            let (message, help) = unknown_key(&name, keys);
            let mistake =
                Diagnostic::new(code::UNKNOWN_KEY, message, nexus_pointy::Span::default());
            cx.error_at(arg.span(), text_of(&Diagnostic { help, ..mistake }));
            continue;
        };
        if seen.contains(&key.name) {
            cx.error_at(arg.span(), format!("`{name}` is given twice; keep one of the two"));
            continue;
        }
        seen.push(key.name);
        found.push((arg, key));
    }
    found
}

fn group(cx: &Ctxt, args: Vec<Arg>, keys: &'static [Key]) -> Vec<(&'static str, ArgValue)> {
    known_args(cx, args, keys)
        .into_iter()
        .filter_map(|(arg, key)| Some((key.name, arg_value(cx, key, &arg.key, arg.value)?)))
        .collect()
}

/// An expression in the place of a group.
fn group_expr(cx: &Ctxt, key: &Key, expr: Expr) -> Option<Group> {
    match literal(&expr) {
        Some(it) if !matches!(it.kind, LiteralKind::Name(_)) => {
            report_invalid(cx, key, Some(&it), &expr);
            None
        }
        _ => Some(Group::Expr(expr)),
    }
}

/// A value of `key`, if it is one.
fn arg_value(cx: &Ctxt, key: &Key, at: &syn::Ident, value: Option<Value>) -> Option<ArgValue> {
    let expr = match value {
        None if key.kind == ValueKind::Flag => return Some(ArgValue::Flag(true)),
        None => {
            report_invalid(cx, key, None, at);
            return None;
        }
        Some(Value::Types(types)) => return Some(ArgValue::Types(types)),
        Some(Value::Expr(expr)) => expr,
        Some(other) => {
            let map = nexus_pointy::Literal {
                kind: LiteralKind::Map(Vec::new()),
                span: nexus_pointy::Span::default(),
            };
            report_invalid(cx, key, Some(&map), &other);
            return None;
        }
    };
    if key.name == "retry_if" {
        return retry_if(cx, expr);
    }
    if key.kind == ValueKind::Seconds && is_not_finite(&expr) {
        cx.error(&expr, format!("`{}` takes a finite number of seconds, 0 or more", key.name));
        return None;
    }
    let Some(value) = literal(&expr) else { return Some(ArgValue::Expr(expr)) };
    let is_name = matches!(value.kind, LiteralKind::Name(_));
    if is_name && !matches!(key.kind, ValueKind::OneOf(_) | ValueKind::Types) {
        return Some(ArgValue::Expr(expr));
    }
    if report_invalid(cx, key, Some(&value), &expr) {
        return None;
    }
    let text = || match &value.kind {
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
        (ValueKind::Text, LiteralKind::Str(text)) => ArgValue::Text(text.to_string()),
        (ValueKind::OneOf(_), _) if key.name == "jitter" => ArgValue::Jitter(text().parse().ok()?),
        (ValueKind::OneOf(_), _) => ArgValue::Evaluation(text().parse().ok()?),
        _ => ArgValue::Expr(expr),
    })
}

/// A `timeout` that is not an event's, but a pipeline's.
pub(crate) fn timeout(cx: &Ctxt, at: &syn::Ident, expr: Expr) -> Option<ArgValue> {
    let key = ATTRIBUTE_KEYS.iter().find(|key| key.name == "timeout")?;
    arg_value(cx, key, at, Some(Value::Expr(expr)))
}

/// Reports what is wrong with a value, if anything.
fn report_invalid(
    cx: &Ctxt,
    key: &Key,
    value: Option<&nexus_pointy::Literal>,
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

fn retry_if(cx: &Ctxt, expr: Expr) -> Option<ArgValue> {
    match &expr {
        Expr::Closure(closure)
            if !(closure.inputs.len() == 1
                && matches!(closure.inputs.first(), Some(Pat::Type(_)))) =>
        {
            cx.error(closure, "`retry_if` takes the error by reference, and needs its type; write `|error: &MyError| ..`");
            None
        }
        Expr::Closure(_) | Expr::Path(_) | Expr::Call(_) | Expr::Block(_) => {
            Some(ArgValue::Expr(expr))
        }
        _ => {
            cx.error(
                &expr,
                "`retry_if` takes a function of the error; write `|error: &MyError| error.is_transient()`",
            );
            None
        }
    }
}

fn bypass(cx: &Ctxt, expr: Expr) -> Option<Expr> {
    if matches!(expr, Expr::Path(_) | Expr::Closure(_)) {
        return Some(expr);
    }
    cx.error(
        &expr,
        "`bypass` takes a function `fn(&Context) -> Bypass<T>`, where `T` is what the event yields",
    );
    None
}

/// The name that a flow may use for an event.
fn name(cx: &Ctxt, expr: &Expr) -> Option<String> {
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = expr else {
        cx.error(expr, "`name` takes a string; write `name = \"extract\"`");
        return None;
    };
    let text = text.value();
    if is_name(&text) {
        return Some(text);
    }
    cx.error(
        expr,
        "a flow cannot use this name; use letters, digits and `_`, and join parts with `::`",
    );
    None
}

fn is_name(text: &str) -> bool {
    let Ok(flow) = nexus_pointy::parse(text).into_result() else { return false };
    match flow.links.as_slice() {
        [link] => match link.units.as_slice() {
            [unit] => {
                matches!(&unit.primary, Primary::Event(name) if *name.text == *text)
                    && flow.to_string() == text
            }
            _ => false,
        },
        _ => false,
    }
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Expr(expr) => expr.to_tokens(tokens),
            Self::Type(ty) => ty.to_tokens(tokens),
            Self::Types(types) => types.iter().for_each(|ty| ty.to_tokens(tokens)),
            Self::Path(path) => path.to_tokens(tokens),
            Self::Group(_, group) => group.to_tokens(tokens),
        }
    }
}
