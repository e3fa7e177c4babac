use std::time::Duration;

use super::keys::{Key, ValueKind};
use super::names::list;
use super::{parse_duration, unknown_key};
use crate::ast::{Ident, Literal, LiteralKind};
use crate::diagnostic::{Diagnostic, MAX_DIAGNOSTICS, code, quote};
use crate::ident;
use crate::span::Span;
use crate::suggest;

/// Checks a value against its setting: type, range, and for a group every key in it.
///
/// # Errors
/// The first mistake, with the span of the value. Without a value there is no span
/// to point at: it is then `0..0`, and the caller puts in the key's.
///
/// ```
/// use nexus_pointy::settings::{RETRY_KEYS, check_value};
/// let max_elapsed = RETRY_KEYS.iter().find(|key| key.name == "max_elapsed").unwrap();
/// let flow = nexus_pointy::parse("A[max_elapsed = 30]").flow;
/// let wrong = check_value(max_elapsed, flow.links[0].units[0].attrs[0].value.as_ref()).unwrap_err();
/// assert_eq!(wrong.message, "`max_elapsed` takes a duration, found the number 30");
/// assert_eq!(wrong.help.as_deref(), Some("write `\"30s\"`"));
/// ```
pub fn check_value(key: &Key, value: Option<&Literal>) -> Result<(), Diagnostic> {
    let mut out = Vec::new();
    check(key, value, Span::default(), &mut out);
    match out.into_iter().next() {
        None => Ok(()),
        Some(first) => Err(first),
    }
}

/// Reports everything that is wrong with a value; `at` is the span if there is none.
pub(super) fn check(key: &Key, value: Option<&Literal>, at: Span, out: &mut Vec<Diagnostic>) {
    let Some(value) = value else {
        if key.kind != ValueKind::Flag {
            let message = format!("`{}` needs a value: {}", key.name, wanted(key.kind));
            out.push(Diagnostic::new(code::WRONG_TYPE, message, at).help(example(key)));
        }
        return;
    };
    match (key.kind, &value.kind) {
        (ValueKind::Flag, LiteralKind::Bool(_))
        | (ValueKind::Text, LiteralKind::Str(_))
        | (ValueKind::Type, LiteralKind::Name(_)) => {}
        (ValueKind::Count, LiteralKind::Int(number)) => count(key, *number, 1, value.span, out),
        (ValueKind::CountFrom(least), LiteralKind::Int(number)) => {
            count(key, *number, least, value.span, out);
        }
        (ValueKind::Bytes, LiteralKind::Int(number)) => {
            if !(1..=i128::from(i64::MAX)).contains(number) {
                let message =
                    format!("`{}` is a number of bytes, at least 1, found {number}", key.name);
                out.push(
                    Diagnostic::new(code::OUT_OF_RANGE, message, value.span)
                        .help("write for example `2097152`"),
                );
            }
        }
        // A number that is too large for a float's exactness is out of range anyway.
        #[expect(clippy::cast_precision_loss, reason = "only the range matters")]
        (ValueKind::Seconds, LiteralKind::Int(number)) => {
            seconds(key, *number as f64, value.span, out);
        }
        (ValueKind::Seconds, LiteralKind::Float(number)) => seconds(key, *number, value.span, out),
        (ValueKind::Duration, LiteralKind::Str(text)) => {
            if let Err(sentence) = parse_duration(text) {
                let (message, help) = sentence.rsplit_once("; ").unwrap_or((&sentence, ""));
                let help = if help.is_empty() { example(key) } else { help.to_owned() };
                out.push(Diagnostic::new(code::OUT_OF_RANGE, message, value.span).help(help));
            }
        }
        (ValueKind::Types, LiteralKind::List(values)) => types(key, values, out),
        (ValueKind::OneOf(options), LiteralKind::Name(_) | LiteralKind::Str(_)) => {
            one_of(key, options, value, out);
        }
        (ValueKind::Group(keys), LiteralKind::Map(entries)) => group(keys, entries, out),
        _ => out.push(wrong_type(key, value)),
    }
}

fn count(key: &Key, number: i128, least: u64, span: Span, out: &mut Vec<Diagnostic>) {
    let most = u32::MAX;
    if (i128::from(least)..=i128::from(most)).contains(&number) {
        return;
    }
    let message = match (number, key.name) {
        (0, "max_workers") => "a pool of 0 workers would never run anything".to_owned(),
        (0, "max_tasks_per_child") => {
            "a worker that is replaced after 0 tasks would never run anything".to_owned()
        }
        (0, "max_attempts") => "with 0 attempts the event would never run".to_owned(),
        (0, "max_concurrency") => "with a concurrency of 0 nothing would ever run".to_owned(),
        _ => format!("`{}` goes from {least} to {most}, found {number}", key.name),
    };
    let help =
        format!("write {least} or more{}", if number > 0 { ", up to 4294967295" } else { "" });
    out.push(Diagnostic::new(code::OUT_OF_RANGE, message, span).help(help));
}

fn seconds(key: &Key, number: f64, span: Span, out: &mut Vec<Diagnostic>) {
    let what = if number.is_nan() {
        "is not a number"
    } else if number < 0.0 {
        "is negative"
    } else if Duration::try_from_secs_f64(number).is_err() {
        "is longer than any wait"
    } else {
        return;
    };
    let message =
        format!("`{}` takes a finite number of seconds, 0 or more; {number:?} {what}", key.name);
    out.push(Diagnostic::new(code::OUT_OF_RANGE, message, span).help("write for example `0.5`"));
}

fn types(key: &Key, values: &[Literal], out: &mut Vec<Diagnostic>) {
    for value in values {
        if out.len() > MAX_DIAGNOSTICS {
            return;
        }
        if !matches!(value.kind, LiteralKind::Name(_)) {
            let message = format!("`{}` lists types, found {}", key.name, described(value));
            let it = Diagnostic::new(code::WRONG_TYPE, message, value.span);
            out.push(it.help("write the type's name, without quotes"));
        }
    }
}

/// The name or string of a `OneOf` value, as one of the options.
pub(super) fn option<'o>(options: &[&'o str], value: &Literal) -> Option<&'o str> {
    let word = word(value)?;
    options.iter().copied().find(|option| *option == word)
}

fn word(value: &Literal) -> Option<&str> {
    match &value.kind {
        LiteralKind::Name(name) => name.text.rsplit("::").next(),
        LiteralKind::Str(text) => Some(text),
        _ => None,
    }
}

fn one_of(key: &Key, options: &[&str], value: &Literal, out: &mut Vec<Diagnostic>) {
    if option(options, value).is_some() {
        return;
    }
    let word = word(value).unwrap_or_default();
    let message = format!("`{}` is one of {}; found {}", key.name, list(options), quote(word));
    let it = Diagnostic::new(code::OUT_OF_RANGE, message, value.span);
    out.push(match suggest::nearest(word, options.iter().copied()) {
        Some(near) => it.help(format!("did you mean `{near}`?")).fix(value.span, near),
        None => it.help(example(key)),
    });
}

fn group(keys: &[Key], entries: &[(Ident, Literal)], out: &mut Vec<Diagnostic>) {
    for (ident, value) in entries {
        if out.len() > MAX_DIAGNOSTICS {
            return;
        }
        match keys.iter().find(|key| key.name == &*ident.text) {
            Some(key) if key.kind == ValueKind::Expr => out.push(not_in_flow(key, ident.span)),
            Some(key) => check(key, Some(value), ident.span, out),
            None => out.push(unknown_key(&ident.text, ident.span, keys)),
        }
    }
}

fn not_in_flow(key: &Key, span: Span) -> Diagnostic {
    let message = format!("`{}` takes Rust code, which a flow cannot hold", key.name);
    Diagnostic::new(code::NOT_IN_FLOW, message, span)
        .help("give it in the event's attribute, `#[event(..)]`")
}

fn wrong_type(key: &Key, value: &Literal) -> Diagnostic {
    if key.kind == ValueKind::Expr {
        return not_in_flow(key, value.span);
    }
    let message = format!("`{}` takes {}, found {}", key.name, wanted(key.kind), described(value));
    let it = Diagnostic::new(code::WRONG_TYPE, message, value.span);
    let written = |text: String| it.clone().help(format!("write `{text}`")).fix(value.span, text);
    let unquoted = |text: &str| it.clone().help(format!("write {} without quotes", quote(text)));
    match (key.kind, &value.kind) {
        (ValueKind::Duration, LiteralKind::Int(number)) => written(format!("\"{number}s\"")),
        (ValueKind::Duration, LiteralKind::Float(number)) => written(format!("\"{number}s\"")),
        (ValueKind::Types, LiteralKind::Name(name)) => written(format!("[{name}]")),
        (ValueKind::Type, LiteralKind::Str(text)) => {
            let is_name = text.split("::").all(ident::is_ident);
            if is_name { unquoted(text).fix(value.span, &**text) } else { unquoted(text) }
        }
        (ValueKind::Text, LiteralKind::Name(name)) => written(format!("\"{name}\"")),
        (ValueKind::Count | ValueKind::Seconds, LiteralKind::Str(text))
            if text.parse::<f64>().is_ok() =>
        {
            let is_whole = text.bytes().all(|byte| byte.is_ascii_digit());
            if is_whole { unquoted(text).fix(value.span, &**text) } else { unquoted(text) }
        }
        (ValueKind::Flag, LiteralKind::Name(name)) => {
            match suggest::nearest(&name.text, ["true", "false"]) {
                Some(near) => it.help(format!("did you mean `{near}`?")).fix(value.span, near),
                None => it.help(example(key)),
            }
        }
        (ValueKind::Group(_), LiteralKind::Name(name)) => it.help(format!(
            "a flow cannot name a constant; write what {} holds, or name it in `#[event(..)]`",
            quote(&name.text)
        )),
        _ => it.help(example(key)),
    }
}

fn described(value: &Literal) -> String {
    match &value.kind {
        LiteralKind::Int(number) => format!("the number {number}"),
        LiteralKind::Float(number) => format!("the number {number:?}"),
        LiteralKind::Str(text) => format!("the string {}", quote(text)),
        LiteralKind::Bool(value) => format!("`{value}`"),
        LiteralKind::Name(name) => format!("the name {}", quote(&name.text)),
        LiteralKind::List(_) => "a list".to_owned(),
        LiteralKind::Map(_) => "a map".to_owned(),
    }
}

fn wanted(kind: ValueKind) -> String {
    match kind {
        ValueKind::Flag => "no value, `true` or `false`".to_owned(),
        ValueKind::Count => "a whole number, at least 1".to_owned(),
        ValueKind::CountFrom(least) => format!("a whole number, at least {least}"),
        ValueKind::Bytes => "a whole number of bytes".to_owned(),
        ValueKind::Seconds => "a number of seconds".to_owned(),
        ValueKind::Duration => "a duration".to_owned(),
        ValueKind::Text => "a string".to_owned(),
        ValueKind::Type => "a type's name".to_owned(),
        ValueKind::Types => "a list of types".to_owned(),
        ValueKind::OneOf(options) => format!("one of {}", list(options)),
        ValueKind::Group(_) => "a map".to_owned(),
        ValueKind::Expr | ValueKind::OptionalExpr => "an expression".to_owned(),
        ValueKind::Path => "a path".to_owned(),
        ValueKind::Flow => "a flow".to_owned(),
    }
}

fn example(key: &Key) -> String {
    let value = match key.kind {
        ValueKind::Flag => return format!("write `{}`", key.name),
        ValueKind::Count | ValueKind::CountFrom(_) => "4",
        ValueKind::Bytes => "2097152",
        ValueKind::Seconds => "0.5",
        ValueKind::Duration => "\"30s\"",
        ValueKind::Text => "\"text\"",
        ValueKind::Type => "ThreadPoolExecutor",
        ValueKind::Types => "[GatewayError]",
        ValueKind::OneOf(options) => options.first().copied().unwrap_or_default(),
        ValueKind::Group(keys) => {
            let first = keys.first().map_or("", |key| key.name);
            return format!("write `{} = {{ {first}: 4 }}`", key.name);
        }
        ValueKind::Expr | ValueKind::OptionalExpr => "..",
        ValueKind::Path => "::nexus",
        ValueKind::Flow => "first -> second",
    };
    format!("write for example `{value}`")
}
