use super::names::{EvaluationState, Jitter};

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueKind {
    /// No value, `true` or `false`.
    Flag,
    /// A whole number from 1 to `u32::MAX`.
    Count,
    /// A whole number from this to `u32::MAX`.
    CountFrom(u64),
    /// A whole number of bytes, from 1 to `i64::MAX`.
    Bytes,
    /// A number of seconds, whole or not, not negative, that a `Duration` can hold.
    Seconds,
    /// A string that [`parse_duration`](super::parse_duration) reads.
    Duration,
    /// A string.
    Text,
    /// A path to a type.
    Type,
    /// A list of paths to types.
    Types,
    /// One of these, as a name, the last part of a path, or a string.
    OneOf(&'static [&'static str]),
    /// A map with these keys.
    Group(&'static [Key]),
    /// An expression, which only a Rust attribute can give.
    Expr,
    /// No value, or an expression, which only a Rust attribute can give.
    OptionalExpr,
    /// A path of Rust, which only a Rust attribute can give.
    Path,
    /// A flow, which only a Rust attribute can give.
    Flow,
}

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What values it takes.
    pub kind: ValueKind,
    /// Whether a flow can give it: `A[key = value]`.
    pub in_flow: bool,
    /// Whether the attribute of the event can give it: `#[event(key = value)]`.
    pub in_attribute: bool,
    /// Whether a Rust attribute takes a literal alone, since the macro reads its value.
    pub literal_only: bool,
    /// What it does, in a sentence without a full stop.
    pub help: &'static str,
}

const fn both(name: &'static str, kind: ValueKind, help: &'static str) -> Key {
    Key { name, kind, in_flow: true, in_attribute: true, literal_only: false, help }
}

const fn attribute(name: &'static str, kind: ValueKind, help: &'static str) -> Key {
    Key { in_flow: false, ..both(name, kind, help) }
}

const fn literal(name: &'static str, kind: ValueKind, help: &'static str) -> Key {
    Key { literal_only: true, ..attribute(name, kind, help) }
}

const fn flow(name: &'static str, kind: ValueKind, help: &'static str) -> Key {
    Key { in_attribute: false, ..both(name, kind, help) }
}

const MAX_CONCURRENCY_HELP: &str = "how many tasks run at the same time";

const EXECUTOR: Key = both("executor", ValueKind::Type, "where the body runs");
const EXECUTOR_CONFIG: Key =
    both("executor_config", ValueKind::Group(EXECUTOR_CONFIG_KEYS), "how the executor is set up");
const RETRY_POLICY: Key =
    both("retry_policy", ValueKind::Group(RETRY_KEYS), "when an exception is tried again");
const STOP_ON_SUCCESS: Key =
    both("stop_on_success", ValueKind::Flag, "ends the run when the event succeeds");
const STOP_ON_ERROR: Key = both(
    "stop_on_error",
    ValueKind::Flag,
    "ends the run on a failure, or an exception left after retries",
);
const STOP_ON_EXCEPTION: Key =
    both("stop_on_exception", ValueKind::Flag, "ends the run on an exception left after retries");
const EVALUATION: Key = both(
    "execution_evaluation_state",
    ValueKind::OneOf(EvaluationState::NAMES),
    "when a step of many tasks counts as success",
);
const TIMEOUT: Key = both("timeout", ValueKind::Duration, "how long one attempt may take");
const CHECKPOINT: Key = both(
    "checkpoint",
    ValueKind::Flag,
    "whether a durable run records the outcome; if not, it is computed again",
);
const VERSION: Key = attribute(
    "version",
    ValueKind::Count,
    "raised when a durable run that began before must not go on with the event as it is now",
);
const NAME: Key = literal("name", ValueKind::Text, "what flows call the event");
const BYPASS: Key =
    attribute("bypass", ValueKind::Expr, "the function that says whether to skip the event");
const CRATE: Key =
    attribute("crate", ValueKind::Path, "the path to nexus, where it is called otherwise");
const EACH: Key =
    flow("each", ValueKind::Flag, "runs one task per item of what came along the arrow");
const MAX_CONCURRENCY: Key = flow("max_concurrency", ValueKind::Count, MAX_CONCURRENCY_HELP);
const MAX_ATTEMPTS: Key =
    flow("max_attempts", ValueKind::Count, "how often the step is tried, the first time included");

/// Every setting of an event, wherever it is given.
pub const EVENT_KEYS: &[Key] = &[
    EXECUTOR,
    EXECUTOR_CONFIG,
    RETRY_POLICY,
    STOP_ON_SUCCESS,
    STOP_ON_ERROR,
    STOP_ON_EXCEPTION,
    EVALUATION,
    TIMEOUT,
    CHECKPOINT,
    VERSION,
    NAME,
    BYPASS,
    CRATE,
    EACH,
    MAX_CONCURRENCY,
    MAX_ATTEMPTS,
];

/// The settings that `#[event(..)]` takes.
pub const ATTRIBUTE_KEYS: &[Key] = &[
    EXECUTOR,
    EXECUTOR_CONFIG,
    RETRY_POLICY,
    STOP_ON_SUCCESS,
    STOP_ON_ERROR,
    STOP_ON_EXCEPTION,
    EVALUATION,
    TIMEOUT,
    CHECKPOINT,
    VERSION,
    NAME,
    BYPASS,
    CRATE,
];

/// The settings that a flow takes: `A[..]`.
pub const FLOW_KEYS: &[Key] = &[
    EXECUTOR,
    EXECUTOR_CONFIG,
    RETRY_POLICY,
    STOP_ON_SUCCESS,
    STOP_ON_ERROR,
    STOP_ON_EXCEPTION,
    EVALUATION,
    TIMEOUT,
    CHECKPOINT,
    EACH,
    MAX_CONCURRENCY,
    MAX_ATTEMPTS,
];

/// The keys of `executor_config`.
pub const EXECUTOR_CONFIG_KEYS: &[Key] = &[
    both("max_workers", ValueKind::Count, "how many workers the pool has"),
    both("max_tasks_per_child", ValueKind::Count, "after how many tasks a worker is replaced"),
    both("thread_name_prefix", ValueKind::Text, "how the names of the workers start"),
    both("stack_size", ValueKind::Bytes, "the stack of each worker, in bytes"),
    both("max_concurrency", ValueKind::Count, MAX_CONCURRENCY_HELP),
];

/// The keys of `retry_policy`.
pub const RETRY_KEYS: &[Key] = &[
    both("max_attempts", ValueKind::Count, "how often the event is tried, the first time included"),
    both(
        "backoff_factor",
        ValueKind::Seconds,
        "the wait before the first retry, in seconds; each next is twice as long",
    ),
    both("max_backoff", ValueKind::Seconds, "the longest wait, in seconds"),
    both(
        "retry_on_exceptions",
        ValueKind::Types,
        "the error types that are tried again; none means all",
    ),
    attribute("retry_if", ValueKind::Expr, "decides from the error whether to try again"),
    both("jitter", ValueKind::OneOf(Jitter::NAMES), "how waits are spread at random"),
    both("max_elapsed", ValueKind::Duration, "how long all attempts and waits together may take"),
];

/// The settings that `#[pipeline(..)]` takes.
pub const PIPELINE_KEYS: &[Key] = &[
    attribute("flow", ValueKind::Flow, "the events and the arrows between them"),
    literal("file", ValueKind::Text, "the file with the flow"),
    literal("durable", ValueKind::Flag, "checks that a store can keep what a run needs"),
    literal("name", ValueKind::Text, "what reports call the pipeline"),
    attribute("timeout", ValueKind::Duration, "how long a run may take"),
    literal("schedule", ValueKind::Text, "when the pipeline runs by itself"),
    literal("zone", ValueKind::Text, "the time zone that the schedule is meant in"),
    CRATE,
];

const DEFAULT: Key =
    attribute("default", ValueKind::OptionalExpr, "the value of a field that is not given");

/// The settings that `#[field(..)]` takes in a struct event.
pub const EVENT_FIELD_KEYS: &[Key] = &[DEFAULT];

/// The settings that `#[field(..)]` takes in a pipeline.
pub const PIPELINE_FIELD_KEYS: &[Key] = &[
    DEFAULT,
    literal("batch_size", ValueKind::Count, "how many items a batch has that the field is given"),
];

/// The settings that `#[descriptor(..)]` takes on an enum.
pub const DESCRIPTOR_KEYS: &[Key] = &[CRATE];

/// The settings that `#[descriptor(..)]` takes on a variant.
pub const VARIANT_KEYS: &[Key] = &[literal("name", ValueKind::Text, "the name of the branch")];
