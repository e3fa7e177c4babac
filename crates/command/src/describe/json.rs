//! `describe --json`: what programs read, a language server for example. The guide has its schema,
//! `docs/src/describe.schema.json`.

use std::time::Duration;

use nexus_core::command_line::InputField;
use nexus_core::{EventInfo, ParameterSource, Registry, RetryPolicy, SettingsInfo, StepInfo};
use serde::Serialize;

use crate::{App, Entry};

/// The version of the document. Fields may be added to it; anything else is another version.
const VERSION: u32 = 1;

/// Of a policy of many attempts only the first waits are listed.
const MAX_WAITS: usize = 20;

/// All of what the program has, or only the events and the pipeline of this name.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    version: u32,
    program: Program,
    events: Vec<Event>,
    pipelines: Vec<Pipeline>,
}

#[derive(Debug, Serialize)]
struct Program {
    name: String,
    version: Option<String>,
    about: Option<String>,
}

#[derive(Debug, Serialize)]
struct Event {
    name: String,
    doc: &'static str,
    file: String,
    line: Option<u32>,
    parameters: Vec<Parameter>,
    output: String,
    branches: Vec<String>,
    /// What a flow may set of a struct event.
    fields: Vec<OwnField>,
    #[serde(rename = "async")]
    is_async: bool,
    can_bypass: bool,
    version: u32,
    settings: Settings,
}

#[derive(Debug, Serialize)]
struct Parameter {
    name: &'static str,
    #[serde(rename = "type")]
    ty: String,
    from: &'static str,
}

#[derive(Debug, Serialize)]
struct OwnField {
    name: &'static str,
    required: bool,
}

#[derive(Debug, Serialize)]
struct Pipeline {
    name: &'static str,
    doc: &'static str,
    fields: Vec<Field>,
    timeout_seconds: Option<f64>,
    /// The flow as a script; null if it has mistakes.
    flow: Option<String>,
    steps: Vec<Step>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Field {
    name: &'static str,
    #[serde(rename = "type")]
    ty: &'static str,
    doc: &'static str,
    required: bool,
    /// The expression of its default, if that is not the default of its type.
    default: Option<&'static str>,
    /// Whether it can be read from JSON.
    readable: bool,
}

#[derive(Debug, Serialize)]
struct Step {
    path: String,
    event: String,
    /// How many items are under way at once, where the step runs once for each.
    each: Option<usize>,
    settings: Settings,
}

#[derive(Debug, Serialize)]
struct Settings {
    executor: Option<Executor>,
    retry_policy: Option<Policy>,
    timeout_seconds: Option<f64>,
    stops: Vec<&'static str>,
    checkpoint: bool,
    evaluation: String,
}

#[derive(Debug, Serialize)]
struct Executor {
    name: String,
    max_workers: Option<usize>,
    max_tasks_per_child: Option<usize>,
    thread_name_prefix: Option<String>,
    stack_size: Option<usize>,
    max_concurrency: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Policy {
    max_attempts: Option<u32>,
    /// The waits before the second attempt, the third and so on, without jitter.
    waits_seconds: Vec<f64>,
    /// The error types that are tried again; none means all.
    retry_on_exceptions: Vec<String>,
    /// Why there is no policy.
    error: Option<String>,
}

impl Document {
    /// `name` is what is asked for; nothing asks for all there is.
    pub(super) fn new(app: &App, registry: &Registry, name: Option<&str>) -> Self {
        let is_asked = |it: &str| name.is_none_or(|name| name == it);
        let mut names: Vec<&str> = registry.names().filter(|it| is_asked(it)).collect();
        names.sort_unstable();
        let pipelines = app.pipelines.iter().copied().filter(|entry| is_asked(entry.name));
        Self {
            version: VERSION,
            program: Program {
                name: app.name.clone(),
                version: app.version.clone(),
                about: app.about.clone(),
            },
            events: names.iter().flat_map(|it| registry.describe(it)).map(Event::from).collect(),
            pipelines: pipelines.map(Pipeline::from).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.pipelines.is_empty()
    }
}

impl From<EventInfo> for Event {
    fn from(event: EventInfo) -> Self {
        let (file, line) = match event.place.rsplit_once(':') {
            Some((file, line)) => (file.to_owned(), line.parse().ok()),
            None => (event.place, None),
        };
        let parameters = event.parameters.iter().map(|parameter| Parameter {
            name: parameter.name,
            ty: parameter.ty.name(),
            from: match parameter.from {
                ParameterSource::Field => "field",
                ParameterSource::Piped => "piped",
                ParameterSource::State => "state",
                ParameterSource::Context => "context",
                _ => "other",
            },
        });
        let own = event.own_fields.iter();
        Self {
            name: event.name,
            doc: event.doc,
            file,
            line,
            parameters: parameters.collect(),
            output: event.output.name(),
            branches: event.branches,
            fields: own.map(|&(name, required)| OwnField { name, required }).collect(),
            is_async: event.is_async,
            can_bypass: event.can_bypass,
            version: event.version,
            settings: Settings::from(&event.settings),
        }
    }
}

impl From<Entry> for Pipeline {
    fn from(entry: Entry) -> Self {
        let (flow, steps, error) = match (entry.plan)() {
            Ok(plan) => {
                (Some(plan.script()), plan.describe_steps().map(Step::from).collect(), None)
            }
            Err(error) => (None, Vec::new(), Some(error.to_string())),
        };
        Self {
            name: entry.name,
            doc: entry.doc,
            fields: entry.input.iter().map(Field::from).collect(),
            timeout_seconds: (entry.timeout)().as_ref().map(Duration::as_secs_f64),
            flow,
            steps,
            error,
        }
    }
}

impl From<&InputField> for Field {
    fn from(field: &InputField) -> Self {
        Self {
            name: field.name,
            ty: field.ty,
            doc: field.doc,
            required: field.default.is_none(),
            default: field.default.map(|it| it.text).filter(|text| !text.is_empty()),
            readable: field.read.is_some(),
        }
    }
}

impl From<StepInfo> for Step {
    fn from(step: StepInfo) -> Self {
        let settings = Settings::from(&step.settings);
        Self { path: step.path, event: step.event, each: step.each, settings }
    }
}

impl From<&SettingsInfo> for Settings {
    fn from(settings: &SettingsInfo) -> Self {
        let config = &settings.executor_config;
        let executor = settings.executor.as_ref().map(|name| Executor {
            name: name.clone(),
            max_workers: config.workers(),
            max_tasks_per_child: config.tasks_per_child(),
            thread_name_prefix: config.name_prefix().map(str::to_owned),
            stack_size: config.stack_bytes(),
            max_concurrency: config.concurrency(),
        });
        Self {
            executor,
            retry_policy: settings.retry_policy.as_ref().map(|policy| match policy {
                Ok(policy) => Policy::from(policy),
                Err(error) => Policy {
                    max_attempts: None,
                    waits_seconds: Vec::new(),
                    retry_on_exceptions: Vec::new(),
                    error: Some(error.to_string()),
                },
            }),
            timeout_seconds: settings.timeout.as_ref().map(Duration::as_secs_f64),
            stops: settings.stops.iter().map(|stop| stop.name()).collect(),
            checkpoint: settings.checkpoint,
            evaluation: format!("{:?}", settings.evaluation),
        }
    }
}

impl From<&RetryPolicy> for Policy {
    fn from(policy: &RetryPolicy) -> Self {
        let schedule = policy.schedule();
        let waits = schedule.waits().take(MAX_WAITS);
        Self {
            max_attempts: Some(policy.max_attempts()),
            waits_seconds: waits.map(|wait| wait.as_secs_f64()).collect(),
            retry_on_exceptions: policy.listed().iter().map(nexus_core::ErrorType::name).collect(),
            error: None,
        }
    }
}
