use super::keys::{ATTRIBUTE_KEYS, EVENT_KEYS, FLOW_KEYS, Key, PIPELINE_KEYS, ValueKind};
use super::names::list;
use crate::diagnostic::{Diagnostic, code, quote};
use crate::span::Span;
use crate::suggest;

/// The diagnostic for a key that is none of `keys`, and what to do.
///
/// A key that is called otherwise in the Python original or in other libraries, or that
/// belongs to a group or to the event's attribute, gets a sentence that says so. Else the
/// nearest key is suggested; where none is near, all are listed.
///
/// ```
/// use nexus_pointy::Span;
/// use nexus_pointy::settings::{FLOW_KEYS, unknown_key};
/// let wrong = unknown_key("executr", Span::default(), FLOW_KEYS);
/// assert_eq!(wrong.message, "unknown setting `executr`");
/// assert_eq!(wrong.help.as_deref(), Some("did you mean `executor`?"));
///
/// let wrong = unknown_key("retries", Span::default(), FLOW_KEYS);
/// assert!(wrong.help.unwrap().contains("`max_attempts`"));
/// ```
#[must_use]
pub fn unknown_key(word: &str, span: Span, keys: &[Key]) -> Diagnostic {
    let place = group_of(keys).map(|group| format!(" in `{group}`")).unwrap_or_default();
    let message = format!("unknown setting {}{place}", quote(word));
    let (help, meant) = meant(word, keys);
    let it = Diagnostic::new(code::UNKNOWN_KEY, message, span).help(help);
    match meant {
        Some(meant) => it.fix(span, meant),
        None => it,
    }
}

/// The diagnostic for a key that is given a second time.
///
/// ```
/// let wrong = nexus_pointy::settings::repeated_key("each", nexus_pointy::Span::default());
/// assert_eq!(wrong.to_string(), "error[P0028]: `each` is given twice (keep one of the two)");
/// ```
#[must_use]
pub fn repeated_key(word: &str, span: Span) -> Diagnostic {
    let message = format!("{} is given twice", quote(word));
    Diagnostic::new(code::DUPLICATE_KEY, message, span).help("keep one of the two")
}

/// What to do about an unknown key, and the key that stands in its place, if it was misspelt or is
/// called otherwise here.
fn meant(word: &str, keys: &[Key]) -> (String, Option<&'static str>) {
    if let Some(help) = without_counterpart(word) {
        return (help.to_owned(), None);
    }
    if let Some(meant) = alias(word).filter(|meant| keys.iter().any(|key| key.name == *meant)) {
        return (format!("it is called `{meant}` here"), Some(meant));
    }
    if let Some(help) = known_elsewhere(word, keys) {
        return (help, None);
    }
    let names: Vec<&'static str> = keys.iter().map(|key| key.name).collect();
    let near = suggest::nearest(word, names.iter().copied());
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if group_of(keys).is_none() => format!("there are {}", list(&names)),
        None => format!("it takes {}", list(&names)),
    };
    (help, near)
}

/// The setting whose value is a group of these keys.
fn group_of(keys: &[Key]) -> Option<&'static str> {
    let is_it = |key: &&Key| matches!(key.kind, ValueKind::Group(inner) if inner == keys);
    EVENT_KEYS.iter().find(is_it).map(|key| key.name)
}

/// Where the setting meant by `word` is given, if it is known under another name or in
/// another place.
fn known_elsewhere(word: &str, keys: &[Key]) -> Option<String> {
    let meant = alias(word).unwrap_or(word);
    let called =
        if meant == word { String::new() } else { format!("it is called `{meant}` here: ") };
    let inside = |keys: &[Key]| {
        keys.iter().find_map(|key| match key.kind {
            ValueKind::Group(inner) if inner.iter().any(|key| key.name == meant) => Some(key.name),
            _ => None,
        })
    };
    if let Some(group) = inside(keys) {
        return Some(format!("{called}write `{group} = {{ {meant}: .. }}`"));
    }
    let event_key = EVENT_KEYS.iter().find(|key| key.name == meant)?;
    if group_of(keys).is_some() {
        return Some(format!("{called}it is a setting of the event itself, beside this group"));
    }
    if keys == PIPELINE_KEYS {
        return Some(format!("{called}it belongs to an event: `#[event({meant} = ..)]`"));
    }
    if keys != ATTRIBUTE_KEYS && keys != FLOW_KEYS {
        return None;
    }
    if ATTRIBUTE_KEYS.contains(event_key) {
        return Some(format!(
            "{called}it belongs to the event, not to a flow: `#[event({meant} = ..)]`"
        ));
    }
    Some(format!("{called}it belongs to a flow, not to the event: `A[{meant}]`"))
}

/// The name here of what the Python original or other libraries call otherwise.
fn alias(word: &str) -> Option<&'static str> {
    Some(match word {
        "retries" | "max_retries" | "attempts" | "tries" | "max_tries" | "retry_count"
        | "retry_attempts" => "max_attempts",
        "backoff" | "delay" | "factor" | "retry_delay" | "wait" | "initial_interval" => {
            "backoff_factor"
        }
        "max_delay" | "max_wait" | "max_interval" | "backoff_max" => "max_backoff",
        "exceptions" | "errors" | "retry_on" | "retry_for" | "retry_on_exception"
        | "retry_on_errors" | "retry_exceptions" => "retry_on_exceptions",
        "predicate" | "when" | "retry_when" => "retry_if",
        "max_elapsed_time" | "total_timeout" => "max_elapsed",
        "retry" | "policy" => "retry_policy",
        "config" | "executor_initializer_config" | "initializer_config" | "pool_config" => {
            "executor_config"
        }
        "pool" | "executor_class" | "executor_type" | "runner" => "executor",
        "workers" | "threads" | "processes" | "num_workers" | "pool_size" | "max_threads"
        | "max_processes" => "max_workers",
        "tasks_per_child" | "maxtasksperchild" => "max_tasks_per_child",
        "thread_name" | "prefix" | "name_prefix" => "thread_name_prefix",
        "stack" => "stack_size",
        "concurrency" | "parallelism" | "limit" => "max_concurrency",
        "evaluation"
        | "evaluation_state"
        | "event_execution_evaluation_state"
        | "execution_evaluation" => "execution_evaluation_state",
        "can_bypass_current_event" | "skip_if" | "bypass_if" | "skip" => "bypass",
        "stop_on_failure" | "stop_on_fail" => "stop_on_error",
        "foreach" | "for_each" | "map" => "each",
        "time_limit" | "deadline" | "max_time" | "max_duration" | "timeout_seconds" => "timeout",
        "record" | "recorded" | "persist" | "persisted" | "checkpointed" => "checkpoint",
        "revision" => "version",
        "label" | "title" => "name",
        _ => return None,
    })
}

/// What has no counterpart of its own.
fn without_counterpart(word: &str) -> Option<&'static str> {
    Some(match word {
        "descriptor" | "task_descriptor" | "descriptors" => {
            "a descriptor is no setting: write branches, `A (0 -> X, 1 -> Y)`, and pick one with `Outcome::goto`"
        }
        "stop_condition" | "stop_conditions" => {
            "stop conditions are flags here: `stop_on_success`, `stop_on_error`, `stop_on_exception`"
        }
        "initializer" | "initargs" => {
            "workers share nothing to initialise: take what they need as a `State<T>` parameter"
        }
        "mp_context" => {
            "worker processes always re-execute this binary; there is no other way to start them"
        }
        "args" | "kwargs" | "params" => {
            "an event's input is its parameters, by name: fields of the pipeline"
        }
        "batch_size" => {
            "an event has no batches: `batch_size` is for a field of a pipeline, `#[field(batch_size = 500)]`"
        }
        _ => return None,
    })
}
