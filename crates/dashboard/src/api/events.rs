//! The events of this program.

use std::sync::OnceLock;
use std::time::Duration;

use axum::extract::State;
use nexus_core::{EventInfo, ParameterInfo, ParameterSource, Registry, SettingsInfo};
use serde::Serialize;

use super::{Answer, Shared, json};

/// An event and its settings, before a flow adds to them.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Event {
    pub(super) name: String,
    place: String,
    version: u32,
    output: String,
    parameters: Vec<Parameter>,
    pub(super) executor: Option<String>,
    /// The pool that it runs in, unless a flow says otherwise.
    #[serde(skip)]
    pub(super) pool: Option<String>,
    /// What the names of its threads begin with.
    threads: Option<String>,
    pub(super) workers: Option<usize>,
    pub(super) max_concurrency: Option<usize>,
    timeout_seconds: Option<f64>,
    /// How it is retried, in a sentence.
    retries: Option<String>,
    /// The longest that its waits together, and its attempts if they have a timeout, can take.
    worst_seconds: Option<f64>,
    checkpoint: bool,
}

/// A parameter of an event.
#[derive(Debug, Clone, Serialize)]
struct Parameter {
    name: &'static str,
    #[serde(rename = "type")]
    ty: String,
    /// Where its value comes from: a `field`, the arrow (`piped`), the engine (`state`) or the run
    /// (`context`).
    from: &'static str,
}

/// `GET /events`.
pub(super) async fn list(State(app): Shared) -> Answer {
    json(&app, |_| Ok(events().to_vec())).await
}

/// The events that are linked into this program. They do not change.
pub(super) fn events() -> &'static [Event] {
    static EVENTS: OnceLock<Vec<Event>> = OnceLock::new();
    EVENTS.get_or_init(|| {
        let registry = Registry::linked();
        let mut names: Vec<String> = registry.names().map(str::to_owned).collect();
        names.sort();
        names.iter().flat_map(|name| registry.describe(name)).map(event).collect()
    })
}

fn event(info: EventInfo) -> Event {
    let (retries, worst_seconds) = retries(&info.settings);
    let parameter = |it: &ParameterInfo| Parameter {
        name: it.name,
        ty: it.ty.name(),
        from: match it.from {
            ParameterSource::Field => "field",
            ParameterSource::Piped => "piped",
            ParameterSource::State => "state",
            _ => "context",
        },
    };
    Event {
        parameters: info.parameters.iter().map(parameter).collect(),
        output: info.output.name(),
        name: info.name,
        place: info.place,
        version: info.version,
        pool: info.settings.executor.as_ref().map(|it| info.settings.executor_config.pool_name(it)),
        executor: info.settings.executor,
        threads: info.settings.executor_config.name_prefix().map(str::to_owned),
        workers: info.settings.executor_config.workers(),
        max_concurrency: info.settings.executor_config.concurrency(),
        timeout_seconds: info.settings.timeout.map(|it| it.as_secs_f64()),
        retries,
        worst_seconds,
        checkpoint: info.settings.checkpoint,
    }
}

fn retries(settings: &SettingsInfo) -> (Option<String>, Option<f64>) {
    match &settings.retry_policy {
        None => (None, None),
        Some(Err(error)) => (Some(error.to_string()), None),
        Some(Ok(policy)) => {
            let schedule = policy.schedule();
            let attempts = settings.timeout.map(|it| it.saturating_mul(policy.max_attempts()));
            let worst = schedule.total().saturating_add(attempts.unwrap_or(Duration::ZERO));
            (Some(schedule.to_string()), Some(worst.as_secs_f64()))
        }
    }
}
