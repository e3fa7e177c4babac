use std::str::FromStr;
use std::time::Duration;

use super::check::{check, option};
use super::keys::{FLOW_KEYS, Key};
use super::names::{EvaluationState, Jitter};
use super::{parse_duration, repeated_key};
use crate::ast::{Attr, Ident, Literal, LiteralKind, Name};
use crate::diagnostic::{Diagnostic, MAX_DIAGNOSTICS};

/// The settings that a flow gives a unit, checked. `None` is a setting that it does not give.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// Where the body runs: the executor's name as written.
    pub executor: Option<Name>,
    /// How the executor is set up.
    pub executor_config: Option<ExecutorConfig>,
    /// When an exception is tried again.
    pub retry_policy: Option<RetryLiteral>,
    /// How often the step is tried, at least 1; like `* 3`, which the unit keeps apart.
    pub max_attempts: Option<u32>,
    /// Ends the run when the event succeeds.
    pub stop_on_success: Option<bool>,
    /// Ends the run on a failure, or an exception left after retries.
    pub stop_on_error: Option<bool>,
    /// Ends the run on an exception left after retries.
    pub stop_on_exception: Option<bool>,
    /// When a step of many tasks counts as success.
    pub evaluation: Option<EvaluationState>,
    /// How long one attempt may take, more than nothing.
    pub timeout: Option<Duration>,
    /// Whether a durable run records the outcome.
    pub checkpoint: Option<bool>,
    /// One task per item of what came along the arrow.
    pub each: Option<bool>,
    /// How many of the tasks run at the same time, at least 1.
    pub max_concurrency: Option<u64>,
    /// Keys that are no setting: a struct event's own fields, or mistakes.
    pub own: Vec<Attr>,
}

/// The keys of `executor_config`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecutorConfig {
    /// How many workers the pool has, at least 1.
    pub max_workers: Option<u64>,
    /// After how many tasks a worker is replaced, at least 1.
    pub max_tasks_per_child: Option<u64>,
    /// How the names of the workers start.
    pub thread_name_prefix: Option<Box<str>>,
    /// The stack of each worker, in bytes.
    pub stack_size: Option<u64>,
    /// How many tasks run at the same time, at least 1.
    pub max_concurrency: Option<u64>,
}

/// The keys of `retry_policy` that a flow can give.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RetryLiteral {
    /// How often the event is tried, the first time included; at least 1.
    pub max_attempts: Option<u32>,
    /// The wait before the first retry, in seconds, finite and not negative.
    pub backoff_factor: Option<f64>,
    /// The longest wait, in seconds, finite and not negative.
    pub max_backoff: Option<f64>,
    /// How waits are spread at random.
    pub jitter: Option<Jitter>,
    /// How long all attempts and waits together may take.
    pub max_elapsed: Option<Duration>,
    /// The error types that are tried again; none means all.
    pub retry_on_exceptions: Vec<Name>,
}

/// Reads a unit's attributes. Wrong values and keys given twice are reported and left
/// out, the second being the wrong one. Behind 100 mistakes no more are looked for.
///
/// A key that no flow knows goes to [`Settings::own`] without a diagnostic: the caller
/// knows the event's fields, and calls [`unknown_key`](super::unknown_key) with
/// [`FLOW_KEYS`] for what is none.
#[must_use]
pub fn read_settings(attrs: &[Attr]) -> (Settings, Vec<Diagnostic>) {
    let mut settings = Settings::default();
    let mut diagnostics = Vec::new();
    let repeated = duplicates(attrs, &mut diagnostics);
    for (attr, repeated) in attrs.iter().zip(repeated) {
        if repeated || diagnostics.len() > MAX_DIAGNOSTICS {
            continue;
        }
        let Some(key) = FLOW_KEYS.iter().find(|key| key.name == &*attr.key.text) else {
            settings.own.push(attr.clone());
            continue;
        };
        if attr.value.is_none() && attr.span != attr.key.span {
            // The parser has reported that there is no value after the `=`.
            continue;
        }
        let before = diagnostics.len();
        check(key, attr.value.as_ref(), attr.key.span, &mut diagnostics);
        if diagnostics.len() == before {
            set(&mut settings, key, attr);
        }
    }
    diagnostics.sort_by_key(|it| it.span.start);
    (settings, diagnostics)
}

/// Reports keys given twice, and returns for each attribute whether it is such a repetition.
fn duplicates(attrs: &[Attr], out: &mut Vec<Diagnostic>) -> Vec<bool> {
    let mut repeated = vec![false; attrs.len()];
    let mut order: Vec<(&Ident, &mut bool)> =
        attrs.iter().map(|attr| &attr.key).zip(&mut repeated).collect();
    order.sort_by(|a, b| a.0.text.cmp(&b.0.text));
    for same in order.chunk_by_mut(|a, b| a.0.text == b.0.text) {
        let Some(((first, _), others)) = same.split_first_mut() else { continue };
        for (key, repeated) in others {
            **repeated = true;
            if out.len() > MAX_DIAGNOSTICS {
                continue;
            }
            let wrong = repeated_key(&key.text, key.span);
            out.push(wrong.label(first.span, "given here already"));
        }
    }
    repeated
}

/// Stores a value that has been checked.
fn set(settings: &mut Settings, key: &Key, attr: &Attr) {
    let flag = Some(!matches!(&attr.value, Some(Literal { kind: LiteralKind::Bool(false), .. })));
    match key.name {
        "stop_on_success" => settings.stop_on_success = flag,
        "stop_on_error" => settings.stop_on_error = flag,
        "stop_on_exception" => settings.stop_on_exception = flag,
        "checkpoint" => settings.checkpoint = flag,
        "each" => settings.each = flag,
        _ => {}
    }
    let Some(value) = &attr.value else { return };
    match key.name {
        "executor" => settings.executor = name(value),
        "executor_config" => settings.executor_config = Some(executor_config(entries(value))),
        "retry_policy" => settings.retry_policy = Some(retry(entries(value))),
        "max_attempts" => settings.max_attempts = int(value),
        "execution_evaluation_state" => settings.evaluation = one_of(EvaluationState::NAMES, value),
        "timeout" => settings.timeout = duration(value),
        "max_concurrency" => settings.max_concurrency = int(value),
        _ => {}
    }
}

fn executor_config(entries: &[(Ident, Literal)]) -> ExecutorConfig {
    let mut config = ExecutorConfig::default();
    for (key, value) in entries {
        match &*key.text {
            "max_workers" => config.max_workers = int(value),
            "max_tasks_per_child" => config.max_tasks_per_child = int(value),
            "thread_name_prefix" => config.thread_name_prefix = text(value).map(Into::into),
            "stack_size" => config.stack_size = int(value),
            "max_concurrency" => config.max_concurrency = int(value),
            _ => {}
        }
    }
    config
}

fn retry(entries: &[(Ident, Literal)]) -> RetryLiteral {
    let mut policy = RetryLiteral::default();
    for (key, value) in entries {
        match &*key.text {
            "max_attempts" => policy.max_attempts = int(value),
            "backoff_factor" => policy.backoff_factor = seconds(value),
            "max_backoff" => policy.max_backoff = seconds(value),
            "jitter" => policy.jitter = one_of(Jitter::NAMES, value),
            "max_elapsed" => policy.max_elapsed = duration(value),
            "retry_on_exceptions" => {
                if let LiteralKind::List(values) = &value.kind {
                    policy.retry_on_exceptions = values.iter().filter_map(name).collect();
                }
            }
            _ => {}
        }
    }
    policy
}

fn entries(value: &Literal) -> &[(Ident, Literal)] {
    if let LiteralKind::Map(entries) = &value.kind { entries } else { &[] }
}

fn name(value: &Literal) -> Option<Name> {
    if let LiteralKind::Name(name) = &value.kind { Some(name.clone()) } else { None }
}

fn text(value: &Literal) -> Option<&str> {
    if let LiteralKind::Str(text) = &value.kind { Some(text) } else { None }
}

fn int<T: TryFrom<i128>>(value: &Literal) -> Option<T> {
    if let LiteralKind::Int(number) = value.kind { T::try_from(number).ok() } else { None }
}

#[expect(clippy::cast_precision_loss, reason = "nobody waits 2^53 seconds")]
fn seconds(value: &Literal) -> Option<f64> {
    match value.kind {
        LiteralKind::Int(number) => Some(number as f64),
        LiteralKind::Float(number) => Some(number),
        _ => None,
    }
}

fn duration(value: &Literal) -> Option<Duration> {
    text(value).and_then(|text| parse_duration(text).ok())
}

fn one_of<T: FromStr>(options: &[&str], value: &Literal) -> Option<T> {
    option(options, value).and_then(|name| name.parse().ok())
}
