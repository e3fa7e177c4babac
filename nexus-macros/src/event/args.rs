//! The arguments of `#[event(..)]`, checked.

use nexus_pointy::Primary;
use nexus_pointy::settings::{Key, ValueKind};
use syn::{Expr, Ident, Pat, Type};

use crate::args::{self, Arg, ArgValue, Value};
use crate::ctxt::Ctxt;
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

/// Checks `args` against the keys that an event takes.
pub(crate) fn check(cx: &Ctxt, args: Vec<Arg>) -> EventArgs {
    let mut known = EventArgs::default();
    for (arg, key) in args::known(cx, args, args::EVENT.keys) {
        match (key.name, arg.value) {
            ("crate", Some(Value::Path(path))) => known.root = Root::new(Some(path)),
            ("name", value) => {
                let text = args::value(cx, key, &arg.key, value);
                known.name = text.and_then(|text| name(cx, text));
            }
            ("bypass", Some(Value::Expr(expr))) => known.bypass = bypass(cx, expr),
            ("executor", Some(Value::Type(ty))) => known.executor = Some(ty),
            ("executor", Some(value)) => {
                let message = "`executor` takes a type, such as `ThreadPoolExecutor`; set it up with `executor_config = { max_workers: 4 }`";
                cx.error(value, message);
            }
            ("executor_config", value) => known.config = group(cx, key, &arg.key, value),
            ("retry_policy", value) => known.retry = group(cx, key, &arg.key, value),
            ("execution_evaluation_state", value) => {
                known.evaluation = args::value(cx, key, &arg.key, value);
            }
            ("timeout", value) => known.timeout = args::value(cx, key, &arg.key, value),
            (_, value) => {
                let arg_value = args::value(cx, key, &arg.key, value);
                known.plain.extend(arg_value.map(|arg_value| (key.name, arg_value)));
            }
        }
    }
    known
}

fn group(cx: &Ctxt, key: &Key, at: &Ident, value: Option<Value>) -> Option<Group> {
    match (key.kind, value) {
        (ValueKind::Group(keys), Some(Value::Group(args, _))) => {
            let values = args::known(cx, args, keys).into_iter().filter_map(|(arg, key)| {
                let value = args::value(cx, key, &arg.key, arg.value)?;
                Some((key.name, if key.name == "retry_if" { retry_if(cx, value)? } else { value }))
            });
            Some(Group::Keys(values.collect()))
        }
        (_, value) => match args::value(cx, key, at, value)? {
            ArgValue::Expr(expr) => Some(Group::Expr(expr)),
            _ => None,
        },
    }
}

fn retry_if(cx: &Ctxt, value: ArgValue) -> Option<ArgValue> {
    let ArgValue::Expr(expr) = value else { return None };
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
fn name(cx: &Ctxt, given: ArgValue) -> Option<String> {
    let ArgValue::Text(text) = given else { return None };
    if is_name(&text.value()) {
        return Some(text.value());
    }
    let message =
        "a flow cannot use this name; use letters, digits and `_`, and join parts with `::`";
    cx.error(text, message);
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
