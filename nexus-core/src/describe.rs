//! What is known of events and steps, for people and tools.

use std::time::Duration;

use crate::context::Names as _;
use crate::event::{EventDef, ParamKind};
use crate::executor::ExecutorInitializerConfig;
use crate::plan::{Place, Plan, Pool, StepOptions};
use crate::registry::{Found, Registry};
use crate::retry::{RetryPolicy, RetryPolicyError};
use crate::run::StopCondition;
use crate::settings::{EventExecutionEvaluationState, StopConditions};
use crate::value::TypeInfo;

/// What is known of an event; see [`Registry::describe`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EventInfo {
    /// The name that flows use.
    pub name: String,
    /// Where it is defined: file and line.
    pub place: String,
    /// The first paragraph of its documentation, in one line; empty for an event made from a closure.
    pub doc: &'static str,
    /// What its code takes, in order. An event made from a closure takes what it asks the context
    /// for, which nobody can list.
    pub parameters: Vec<ParameterInfo>,
    /// What it yields when it succeeds.
    pub output: TypeInfo,
    /// The fields of a struct event, which a flow may set, and whether it must.
    pub own_fields: Vec<(&'static str, bool)>,
    /// The branches that its value names, where that is an enum which derives `Descriptor`.
    pub branches: Vec<String>,
    /// Whether its code is async.
    pub is_async: bool,
    /// Whether it may decide to be skipped.
    pub can_bypass: bool,
    /// Which version of the event this is.
    pub version: u32,
    /// Its settings, before a flow adds to them.
    pub settings: SettingsInfo,
}

/// A parameter of an event.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ParameterInfo {
    /// Its name.
    pub name: &'static str,
    /// The type of the value that it takes, borrowed or not.
    pub ty: TypeInfo,
    /// Where its value comes from.
    pub from: ParameterSource,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterSource {
    /// The pipeline's field of the same name.
    Field,
    /// The arrow `|->` before the event.
    Piped,
    /// A resource of the engine.
    State,
    /// The run itself.
    Context,
}

/// A step of a flow; see [`Plan::describe_steps`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StepInfo {
    /// The step's place in the flow.
    pub path: String,
    /// The event's name.
    pub event: String,
    /// How many items are under way at once, where the step runs once for each.
    pub each: Option<usize>,
    /// The event's settings, with what the flow adds to them.
    pub settings: SettingsInfo,
}

/// The settings of an event or of a step.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SettingsInfo {
    /// The executor's name; `None` is the thread that drives the run.
    pub executor: Option<String>,
    /// How the executor is set up.
    pub executor_config: ExecutorInitializerConfig,
    /// How it is retried; `None` is not at all.
    pub retry_policy: Option<Result<RetryPolicy, RetryPolicyError>>,
    /// How long an attempt may take.
    pub timeout: Option<Duration>,
    /// Which of its ends stop the run.
    pub stops: Vec<StopCondition>,
    /// Whether a durable run records its outcome.
    pub checkpoint: bool,
    /// When a step of many tasks counts as a success.
    pub evaluation: EventExecutionEvaluationState,
}

impl Registry {
    /// What is known of the events with this name: none, one, or several that claim it.
    ///
    /// ```
    /// use nexus_core::{Context, Outcome, Registry};
    /// let mut registry = Registry::new();
    /// registry.event("greet", |_: &Context| Outcome::success("hello"));
    /// let [greet] = &registry.describe("greet")[..] else { panic!() };
    /// assert_eq!(greet.output.name(), "&str");
    /// ```
    pub fn describe(&self, name: &str) -> Vec<EventInfo> {
        match self.find(name) {
            Found::None => Vec::new(),
            Found::One(_, def) => vec![describe(name, def)],
            Found::Many(defs) => defs.into_iter().map(|def| describe(name, def)).collect(),
        }
    }
}

fn describe(name: &str, def: &EventDef) -> EventInfo {
    let parameters = def.params.iter().map(|param| ParameterInfo {
        name: param.name(),
        ty: match param.kind {
            ParamKind::Piped => def.ports.takes.unwrap_or(param.ty),
            _ => param.ty,
        },
        from: match param.kind {
            ParamKind::Field => ParameterSource::Field,
            ParamKind::Piped => ParameterSource::Piped,
            ParamKind::State => ParameterSource::State,
            ParamKind::Context => ParameterSource::Context,
        },
    });
    let settings = &def.settings;
    EventInfo {
        name: name.to_owned(),
        place: def.place.to_string(),
        doc: def.spec.doc,
        parameters: parameters.collect(),
        output: def.output.ty,
        own_fields: def.own_fields.iter().map(|field| (field.name, field.required)).collect(),
        branches: def
            .descriptors
            .iter()
            .map(|name| crate::outcome::Descriptor::from(*name).to_string())
            .collect(),
        is_async: def.is_async,
        can_bypass: def.can_bypass,
        version: def.version(),
        settings: SettingsInfo {
            executor: settings.executor.map(|kind| kind.name()),
            executor_config: settings.config.clone(),
            retry_policy: settings.retry.clone(),
            timeout: settings.timeout,
            checkpoint: def.is_recorded(),
            stops: conditions(settings.stops),
            evaluation: settings.evaluation.unwrap_or_default(),
        },
    }
}

fn conditions(stops: StopConditions) -> Vec<StopCondition> {
    let all = [
        (stops.on_success, StopCondition::Success),
        (stops.on_error, StopCondition::Error),
        (stops.on_exception, StopCondition::Exception),
    ];
    all.into_iter().filter_map(|(is, condition)| is.then_some(condition)).collect()
}

impl Plan {
    /// The steps in script order, each with the settings that it has in this flow.
    pub fn describe_steps(&self) -> impl Iterator<Item = StepInfo> {
        (0..self.len() as u32).map(|step| {
            let options = self.options_of(step);
            StepInfo {
                path: self.step_path(step),
                event: self.event_name(step).to_owned(),
                each: options.each.then_some(options.window),
                settings: self.settings_of(options),
            }
        })
    }

    fn settings_of(&self, options: &StepOptions) -> SettingsInfo {
        let pool = match options.place {
            Place::Inline => None,
            Place::Pool(pool) => self.pools.get(pool as usize),
        };
        let (executor, executor_config) = match pool {
            None => (None, ExecutorInitializerConfig::default()),
            Some(Pool::Shared) => {
                (Some("shared pool".to_owned()), ExecutorInitializerConfig::default())
            }
            Some(Pool::Named(kind, config)) => (Some(kind.name()), config.clone()),
        };
        SettingsInfo {
            executor,
            executor_config,
            retry_policy: options.retry.clone().map(Ok),
            timeout: options.timeout,
            checkpoint: options.checkpoint,
            stops: conditions(options.stops),
            evaluation: options.evaluation,
        }
    }
}
