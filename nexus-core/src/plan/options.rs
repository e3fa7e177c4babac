//! The settings of a step: what the flow says for it, then what the brackets around it say, then
//! what its event says.

use std::time::Duration;

use nexus_pointy::binding_code as code;
use nexus_pointy::settings::{ExecutorConfig, Jitter as JitterName, RetryLiteral, Settings};
use nexus_pointy::{Diagnostic, Name, Span, suggest};

use super::{Place, Pool, StepOptions};
use crate::event::EventDef;
use crate::executor::{BodyKind, ExecutorInitializerConfig, ExecutorKind};
use crate::registry::Registry;
use crate::retry::{Jitter, RetryPolicy, RetryPolicyError};
use crate::settings::{EventExecutionEvaluationState as Evaluation, StopConditions};

/// How many items of an `each` step are under way at once where nothing says otherwise.
const DEFAULT_WINDOW: usize = 64;

/// `inner` with what it leaves open taken from `outer`; all but an event's own fields.
pub(super) fn inherit(inner: Settings, outer: &Settings) -> Settings {
    // A policy that says how often is nearer than the brackets' `* n`.
    let says_attempts =
        inner.retry_policy.as_ref().is_some_and(|policy| policy.max_attempts.is_some());
    // An executor's set-up is not that of another one.
    let same_executor = inner.executor.as_ref().is_none_or(|executor| {
        outer.executor.as_ref().is_none_or(|outer| outer.text == executor.text)
    });
    let outer_config = outer.executor_config.clone().filter(|_| same_executor);
    let outer_attempts = if says_attempts { None } else { outer.max_attempts };
    Settings {
        executor: inner.executor.or_else(|| outer.executor.clone()),
        executor_config: inner.executor_config.or(outer_config),
        retry_policy: inner.retry_policy.or_else(|| outer.retry_policy.clone()),
        max_attempts: inner.max_attempts.or(outer_attempts),
        stop_on_success: inner.stop_on_success.or(outer.stop_on_success),
        stop_on_error: inner.stop_on_error.or(outer.stop_on_error),
        stop_on_exception: inner.stop_on_exception.or(outer.stop_on_exception),
        evaluation: inner.evaluation.or(outer.evaluation),
        timeout: inner.timeout.or(outer.timeout),
        checkpoint: inner.checkpoint.or(outer.checkpoint),
        each: inner.each.or(outer.each),
        max_concurrency: inner.max_concurrency.or(outer.max_concurrency),
        own: inner.own,
    }
}

/// What a step of `def` with these settings does, with a place among the plan's pools.
pub(super) fn resolve(
    def: &EventDef,
    name: &Name,
    settings: &Settings,
    parallel: bool,
    registry: &Registry,
    pools: &mut Vec<Pool>,
    mistakes: &mut Vec<Diagnostic>,
) -> StepOptions {
    let each = settings.each.unwrap_or(false);
    let stops = def.settings.stops;
    let evaluation = settings.evaluation.or(def.settings.evaluation).unwrap_or_default();
    let timeout = timeout(def, name, settings, mistakes);
    mistakes.extend(bad_version(def, name));
    // A run can go on without a body only if another thread runs it.
    let beside = parallel || each || timeout.is_some();
    let place = place(def, name, settings, beside, registry, pools, mistakes);
    // Nothing of the step's own executor is to run for a step that may be skipped.
    let check = match place {
        Place::Pool(_) if def.can_bypass => pool(pools, Pool::Shared),
        _ => Place::Inline,
    };
    StepOptions {
        place,
        stays: place == Place::Inline && names_executor(def, settings),
        check,
        retry: retry(def, name, settings, registry, mistakes),
        stops: StopConditions {
            on_success: settings.stop_on_success.unwrap_or(stops.on_success),
            on_error: settings.stop_on_error.unwrap_or(stops.on_error),
            on_exception: settings.stop_on_exception.unwrap_or(stops.on_exception),
        },
        evaluation,
        timeout,
        checkpoint: settings.checkpoint.unwrap_or_else(|| def.is_recorded()),
        each,
        window: settings
            .max_concurrency
            .map_or(DEFAULT_WINDOW, |n| usize::try_from(n).unwrap_or(usize::MAX)),
        cancellable: each && evaluation == Evaluation::FailureForPartialError,
        can_be_ended: matches!(place, Place::Pool(pool) if can_end_bodies(&pools[pool as usize])),
    }
}

/// Whether somebody has named an executor for the step.
fn names_executor(def: &EventDef, settings: &Settings) -> bool {
    settings.executor.is_some() || def.settings.executor.is_some()
}

fn timeout(
    def: &EventDef,
    name: &Name,
    settings: &Settings,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Duration> {
    let limit = settings.timeout.or(def.settings.timeout)?;
    if limit.is_zero() {
        let message =
            format!("the timeout of `{}` is zero, so it could never end in time", def.name);
        let mistake = Diagnostic::new(code::BAD_TIMEOUT, message, name.span);
        mistakes.push(mistake.help("give it some time, or leave the timeout out"));
    }
    Some(limit)
}

fn bad_version(def: &EventDef, name: &Name) -> Option<Diagnostic> {
    (def.version() == 0).then(|| {
        let message = format!("the version of `{}` is 0", def.name);
        Diagnostic::new(code::BAD_VERSION, message, name.span)
            .help("versions count from 1, which an event has that names none")
    })
}

fn place(
    def: &EventDef,
    name: &Name,
    settings: &Settings,
    beside: bool,
    registry: &Registry,
    pools: &mut Vec<Pool>,
    mistakes: &mut Vec<Diagnostic>,
) -> Place {
    let kind = match &settings.executor {
        Some(executor) => {
            let kind = registry.find_executor(&executor.text);
            if kind.is_none() {
                mistakes.push(unknown_executor(executor, registry));
                return Place::Inline;
            }
            kind
        }
        None => def.settings.executor,
    };
    let config = match &settings.executor_config {
        Some(config) => configure(config),
        // An executor's set-up is not that of another one.
        None if settings.executor.is_some() && kind != def.settings.executor => {
            ExecutorInitializerConfig::default()
        }
        None => def.settings.config.clone(),
    };
    let Some(kind) = kind else {
        if config != ExecutorInitializerConfig::default() {
            let message = format!("`{}` has an `executor_config`, but no executor", def.name);
            mistakes.push(
                Diagnostic::new(code::BAD_EXECUTOR, message, name.span)
                    .help("add `executor = ThreadPoolExecutor`"),
            );
        }
        return if beside { pool(pools, Pool::Shared) } else { Place::Inline };
    };
    if let Err(error) = check_config(kind, &config) {
        let message = format!("`{}`: {error}", def.name);
        mistakes.push(Diagnostic::new(code::BAD_EXECUTOR, message, name.span));
    }
    if (kind.runs() == BodyKind::Async) != def.is_async {
        let at = settings.executor.as_ref().map_or(name.span, |executor| executor.span);
        mistakes.push(wrong_kind(def, kind, at));
        return Place::Inline;
    }
    if kind.is_default() {
        return Place::Inline;
    }
    if kind.runs() == BodyKind::Remote {
        let span = settings.executor.as_ref().map_or(name.span, |executor| executor.span);
        mistakes.extend(cannot_cross(def, kind, span));
    }
    pool(pools, Pool::Named(kind, config))
}

/// Whether the pool can do more with a body that is not wanted than wait for it.
fn can_end_bodies(pool: &Pool) -> bool {
    match pool {
        Pool::Shared => false,
        Pool::Named(kind, _) => kind.runs() != BodyKind::Blocking,
    }
}

/// What of an event keeps it from running in another process.
fn cannot_cross(def: &EventDef, kind: ExecutorKind, span: Span) -> Option<Diagnostic> {
    let runs = format!("`{}` runs on {}", def.name, kind.name());
    if def.is_closure {
        let message =
            format!("{runs}, but is made from a closure, which other processes do not have");
        let mistake = Diagnostic::new(code::BAD_EXECUTOR, message, span);
        return Some(mistake.help("make it an annotated event: a function with `#[event]`"));
    }
    let part = def.spec.unsendable()?;
    let what = match part.name {
        "" => format!("its output, a `{}`,", part.ty),
        name => format!("`{name}: {}`", part.ty),
    };
    let message = format!("{runs}, but {what} cannot cross to another process");
    let help = format!("{}, or name another executor", part.cure());
    Some(Diagnostic::new(code::BAD_EXECUTOR, message, span).help(help))
}

fn check_config(
    kind: ExecutorKind,
    config: &ExecutorInitializerConfig,
) -> Result<(), crate::executor::ConfigError> {
    config.check()?;
    // An executor of the user's may panic.
    crate::panic::contain(|| (kind.check)(config))
        .unwrap_or_else(|panic| Err(crate::executor::ConfigError::Other(panic.to_string())))
}

/// The pool's index in the plan; steps with the same executor and set-up share it.
fn pool(pools: &mut Vec<Pool>, wanted: Pool) -> Place {
    let found = pools.iter().position(|pool| *pool == wanted);
    let index = found.unwrap_or_else(|| {
        pools.push(wanted);
        pools.len() - 1
    });
    Place::Pool(index as u32)
}

/// Async events run on the executor for them, and no others do.
fn wrong_kind(def: &EventDef, kind: ExecutorKind, at: Span) -> Diagnostic {
    let (event, executor) = (&def.name, kind.name());
    let (message, help) = if def.is_async {
        (
            format!("`{event}` is async, and `{executor}` runs plain functions"),
            "leave the executor out, which makes it `AsyncExecutor`",
        )
    } else {
        (
            format!("`{event}` is a plain function, which would block the threads of `{executor}`"),
            "make it an `async fn`, or name `ThreadPoolExecutor`",
        )
    };
    Diagnostic::new(code::BAD_EXECUTOR, message, at).help(help)
}

fn unknown_executor(executor: &Name, registry: &Registry) -> Diagnostic {
    let message = format!("there is no executor `{}`", executor.text);
    let help = suggest::nearest(&executor.text, registry.executor_names()).map_or_else(
        || "register it with `registry.executor::<MyExecutor>(\"MyExecutor\")`".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Diagnostic::new(code::BAD_EXECUTOR, message, executor.span).help(help)
}

fn configure(literal: &ExecutorConfig) -> ExecutorInitializerConfig {
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let mut config = ExecutorInitializerConfig::new();
    if let Some(workers) = literal.max_workers {
        config = config.max_workers(count(workers));
    }
    if let Some(tasks) = literal.max_tasks_per_child {
        config = config.max_tasks_per_child(count(tasks));
    }
    if let Some(prefix) = &literal.thread_name_prefix {
        config = config.thread_name_prefix(&**prefix);
    }
    if let Some(bytes) = literal.stack_size {
        config = config.stack_size(count(bytes));
    }
    if let Some(tasks) = literal.max_concurrency {
        config = config.max_concurrency(count(tasks));
    }
    config
}

fn retry(
    def: &EventDef,
    name: &Name,
    settings: &Settings,
    registry: &Registry,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<RetryPolicy> {
    let policy = match &settings.retry_policy {
        Some(literal) => Some(policy(literal, registry, mistakes)),
        None => def.settings.retry.clone(),
    };
    let policy = match policy {
        None => None,
        Some(Ok(policy)) => Some(policy),
        Some(Err(error)) => {
            let message = format!("the retry policy of `{}`: {error}", def.name);
            mistakes.push(Diagnostic::new(code::BAD_RETRY_POLICY, message, name.span));
            None
        }
    };
    match settings.max_attempts {
        Some(attempts) => Some(policy.unwrap_or_default().with_max_attempts(attempts)),
        None => policy,
    }
}

fn policy(
    literal: &RetryLiteral,
    registry: &Registry,
    mistakes: &mut Vec<Diagnostic>,
) -> Result<RetryPolicy, RetryPolicyError> {
    let mut builder = RetryPolicy::builder();
    if let Some(attempts) = literal.max_attempts {
        builder = builder.max_attempts(attempts);
    }
    if let Some(factor) = literal.backoff_factor {
        builder = builder.backoff_factor(factor);
    }
    if let Some(max) = literal.max_backoff {
        builder = builder.max_backoff(max);
    }
    if let Some(limit) = literal.max_elapsed {
        builder = builder.max_elapsed(limit);
    }
    builder = builder.jitter(match literal.jitter {
        None | Some(JitterName::None) => Jitter::None,
        Some(JitterName::Full) => Jitter::Full,
        Some(JitterName::Equal) => Jitter::Equal,
    });
    for error in &literal.retry_on_exceptions {
        match registry.find_error(&error.text) {
            Some(ty) => builder = builder.retry_on_type(ty),
            None => mistakes.push(unknown_error(error, registry)),
        }
    }
    builder.build()
}

fn unknown_error(error: &Name, registry: &Registry) -> Diagnostic {
    let message = format!("there is no error type `{}`", error.text);
    let help = suggest::nearest(&error.text, registry.error_names()).map_or_else(
        || format!("register it with `registry.error::<{0}>(\"{0}\")`", error.text),
        |near| format!("did you mean `{near}`?"),
    );
    Diagnostic::new(code::BAD_RETRY_POLICY, message, error.span).help(help)
}
