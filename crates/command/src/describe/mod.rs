//! `list` and `describe`.

mod json;

use std::fmt::{self, Write};

use clap::ArgMatches;
use nexus_core::command_line::InputField;
use nexus_core::{
    ErrorType, EventExecutionEvaluationState, EventInfo, ExecutorInitializerConfig,
    ParameterSource, Registry, RetryPolicy, SettingsInfo, StepInfo,
};
use nexus_pointy::suggest::nearest;

use crate::output::{Exit, Failure, UserError};
use crate::{App, Entry};

pub(crate) fn list(app: &App) -> String {
    let mut out = Page::default();
    out.line("Pipelines");
    for entry in &app.pipelines {
        out.line(format!("  {}", sentence(entry.name, entry.doc)));
        out.table("      ", entry.input.iter().map(|field| (declaration(field), note(field))));
    }
    if app.pipelines.is_empty() {
        out.line("  none; a program adds one with `App::pipeline::<P>()`");
    }
    let registry = Registry::linked();
    let mut names: Vec<&str> = registry.names().collect();
    names.sort_unstable();
    out.line("\nEvents");
    let places = names.iter().flat_map(|name| registry.describe(name));
    out.table("  ", places.map(|event| (event.name, event.place)));
    if names.is_empty() {
        out.line("  none");
    }
    out.0
}

pub(crate) fn describe(app: &App, args: &ArgMatches) -> Result<String, Failure> {
    let name = args.get_one::<String>("name").map(String::as_str);
    let registry = Registry::linked();
    if args.get_flag("json") {
        let document = json::Document::new(app, &registry, name);
        return match name {
            Some(name) if document.is_empty() => Err(unknown(app, &registry, name)),
            _ => serde_json::to_string(&document).map_err(|error| {
                Failure::new(Exit::Failed, format!("it cannot be written as JSON: {error}"))
            }),
        };
    }
    let name = name.unwrap_or_default();
    let mut pages = Vec::new();
    if let Some(entry) = app.find(name) {
        pages.push(pipeline(entry)?);
    }
    pages.extend(registry.describe(name).iter().map(event));
    if !pages.is_empty() {
        return Ok(pages.join("\n"));
    }
    Err(unknown(app, &registry, name))
}

fn unknown(app: &App, registry: &Registry, name: &str) -> Failure {
    let known = app.pipelines.iter().map(|entry| entry.name).chain(registry.names());
    let near = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("`{} list` shows what there is", app.name),
    };
    Failure::usage(format!("there is no event and no pipeline `{name}`; {near}"))
}

fn pipeline(entry: Entry) -> Result<String, Failure> {
    let plan = (entry.plan)().map_err(|error| Failure::all(vec![UserError::Flow(error)]))?;
    let mut out = Page::default();
    out.line(format!("pipeline {}", sentence(entry.name, entry.doc)));
    out.line(format!("  flow     {}", plan.script()));
    out.rows(
        "takes",
        entry.input.iter().map(|field| (declaration(field), note(field))),
        "no fields",
    );
    if let Some(limit) = (entry.timeout)() {
        out.line(format!("  timeout  {limit:?}"));
    }
    out.line("  steps");
    out.table("    ", plan.describe_steps().map(|step| (step.path.clone(), step_words(&step))));
    Ok(out.0)
}

fn step_words(step: &StepInfo) -> String {
    let mut words = Vec::new();
    if let Some(window) = step.each {
        words.push(format!("once for each item, {window} at a time"));
        words.extend(evaluation(step.settings.evaluation));
    }
    let settings = &step.settings;
    words.extend(settings.executor.as_ref().map(|_| format!("on {}", executor(settings))));
    words.extend(settings.retry_policy.as_ref().map(retry));
    words.extend(settings.timeout.map(|limit| format!("timeout {limit:?}")));
    words.extend((!settings.checkpoint).then(|| "not recorded".to_owned()));
    words.extend(settings.stops.iter().map(|stop| stop.name().to_owned()));
    words.join("; ")
}

fn event(event: &EventInfo) -> String {
    let settings = &event.settings;
    let mut out = Page::default();
    let kind = if event.is_async { "async event" } else { "event" };
    out.line(format!("{kind} {}, at {}", event.name, event.place));
    if !event.doc.is_empty() {
        out.line(format!("  does     {}", event.doc));
    }
    let takes = event.parameters.iter().map(|parameter| {
        let from = match parameter.from {
            ParameterSource::Field => "the pipeline's field of this name",
            ParameterSource::Piped => "what comes along `|->`",
            ParameterSource::State => "a resource of the engine",
            ParameterSource::Context => "the run",
            _ => "",
        };
        (format!("{}: {:?}", parameter.name, parameter.ty), from.to_owned())
    });
    out.rows("takes", takes, "nothing");
    let set = event.own_fields.iter().map(|(name, required)| {
        let must = if *required { "the flow must set it" } else { "the flow may set it" };
        (format!("[{name} = ..]"), must.to_owned())
    });
    if !event.own_fields.is_empty() {
        out.rows("set", set, "");
    }
    out.line(format!("  yields   {:?}", event.output));
    if !event.branches.is_empty() {
        out.line(format!("  goes to  {}", event.branches.join(", ")));
    }
    out.line(format!("  runs     on {}", executor(settings)));
    out.line(format!(
        "  retries  {}",
        settings.retry_policy.as_ref().map_or_else(|| "none".to_owned(), retry)
    ));
    let timeout = settings.timeout.map_or_else(|| "none".to_owned(), |limit| format!("{limit:?}"));
    out.line(format!("  timeout  {timeout}"));
    if !settings.stops.is_empty() {
        let names: Vec<&str> = settings.stops.iter().map(|stop| stop.name()).collect();
        out.line(format!("  stops    the run: {}", names.join(", ")));
    }
    if !settings.checkpoint {
        out.line("  records  nothing: a durable run that is resumed runs it again");
    }
    if event.version != 1 {
        out.line(format!("  version  {}", event.version));
    }
    if let Some(state) = evaluation(settings.evaluation) {
        out.line(format!("  each     {state}"));
    }
    if event.can_bypass {
        out.line("  bypass   it may decide to be skipped");
    }
    out.0
}

/// The state by which many tasks are one success, where it is not the default.
fn evaluation(state: EventExecutionEvaluationState) -> Option<String> {
    (state != EventExecutionEvaluationState::default()).then(|| format!("{state:?}"))
}

fn executor(settings: &SettingsInfo) -> String {
    let Some(name) = &settings.executor else {
        return "the thread that drives the run".to_owned();
    };
    let config: &ExecutorInitializerConfig = &settings.executor_config;
    let counts = [
        ("max_workers", config.workers()),
        ("max_tasks_per_child", config.tasks_per_child()),
        ("stack_size", config.stack_bytes()),
        ("max_concurrency", config.concurrency()),
    ];
    let mut words = name.clone();
    for (key, count) in counts {
        if let Some(count) = count {
            let _ = write!(words, ", {key} {count}");
        }
    }
    words
}

fn retry<E: fmt::Display>(policy: &Result<RetryPolicy, E>) -> String {
    match policy {
        Err(error) => error.to_string(),
        Ok(policy) => {
            let types: Vec<String> = policy.listed().iter().map(ErrorType::name).collect();
            let on = if types.is_empty() { "every exception".to_owned() } else { types.join(", ") };
            format!("{}; on {on}", policy.schedule())
        }
    }
}

/// `currency: String = "EUR"`
fn declaration(field: &InputField) -> String {
    let default = match field.default {
        Some(default) if !default.text.is_empty() => format!(" = {}", default.text),
        _ => String::new(),
    };
    format!("{}: {}{default}", field.name, field.ty)
}

fn note(field: &InputField) -> String {
    let mut notes = Vec::new();
    if !field.doc.is_empty() {
        notes.push(field.doc);
    }
    if field.default.is_some_and(|default| default.text.is_empty()) {
        notes.push("(may be left out)");
    }
    if field.read.is_none() {
        notes.push("(cannot be given)");
    }
    notes.join(" ")
}

fn sentence(name: &str, doc: &str) -> String {
    if doc.is_empty() { name.to_owned() } else { format!("{name}: {doc}") }
}

/// Lines of text, without blanks at their ends.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: impl AsRef<str>) {
        self.0.push_str(line.as_ref().trim_end());
        self.0.push('\n');
    }

    /// Two columns, the first as wide as it must be.
    fn table(&mut self, indent: &str, rows: impl IntoIterator<Item = (String, String)>) {
        let rows: Vec<(String, String)> = rows.into_iter().collect();
        let width = rows.iter().map(|(first, _)| first.chars().count()).max().unwrap_or(0);
        for (first, second) in rows {
            self.line(format!("{indent}{first:width$}  {second}"));
        }
    }

    /// A table with a word before its first row.
    fn rows(&mut self, word: &str, rows: impl IntoIterator<Item = (String, String)>, none: &str) {
        let start = self.0.len();
        let indent = " ".repeat(11);
        self.table(&indent, rows);
        if self.0.len() == start {
            self.line(format!("{indent}{none}"));
        }
        self.0.replace_range(start..start + indent.len(), &format!("  {word:<9}"));
    }
}
