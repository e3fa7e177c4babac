//! `runs --on`: the runs of a cluster.

use std::fmt::Write;
use std::sync::Arc;

use clap::ArgMatches;
use nexus_core::{Plan, Report};
use nexus_pointy::visible;
use nexus_restate::{Cluster, ClusterRun, RunFilter};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{connect, failure, find};
use crate::App;
use crate::output::{self, Exit, Failure};
use crate::report::report_text;
use crate::table::{Cell, Color, Column, Screen, Table};

pub(crate) fn runs(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    let Some((name, args)) = args.subcommand() else { return Ok(Exit::Usage) };
    match name {
        "list" => list(args),
        "show" => show(app, args),
        "cancel" => cancel(args),
        "resolve" => resolve(app, args),
        other => Err(Failure::usage(format!(
            "`runs {other}` is for the runs of a store; those of a cluster are listed, shown, cancelled and resolved"
        ))),
    }
}

fn list(args: &ArgMatches) -> Result<Exit, Failure> {
    let is_given = |name| args.value_source(name) == Some(clap::parser::ValueSource::CommandLine);
    if let Some(name) = ["status", "failed", "before"].into_iter().find(|name| is_given(name)) {
        return Err(Failure::usage(format!(
            "`--{name}` is for the runs of a store; those of a cluster are chosen by `--pipeline` and `--limit`"
        )));
    }
    let mut filter = RunFilter::new();
    if let Some(pipeline) = args.get_one::<String>("pipeline") {
        filter = filter.pipeline(pipeline);
    }
    if let Some(limit) = args.get_one::<u32>("limit") {
        filter = filter.limit(*limit);
    }
    let runs = connect(args)?.runs_where(&filter).map_err(failure)?;
    if args.get_flag("json") {
        let lines: Result<String, _> =
            runs.iter().map(|run| as_json(&Listed::new(run)).map(|line| line + "\n")).collect();
        return output::print(&lines?);
    }
    let footer = match runs.len() {
        0 => "no runs".to_owned(),
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    };
    output::print(&(table(&runs, Screen::of_stdout()) + &footer))
}

fn table(runs: &[ClusterRun], screen: Screen) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let mut table = Table::new([
        Column::long("KEY"),
        Column::long("PIPELINE"),
        Column::text("STATE"),
        Column::text("STARTED (UTC)"),
        Column::long("WHY NOT"),
    ]);
    for run in runs {
        let failure = run.failure.as_deref().filter(|_| !run.is_over()).unwrap_or_default();
        table.add([
            Cell::new(&run.key),
            Cell::new(&run.pipeline),
            Cell::new(&run.state).colored(color(run)),
            Cell::new(began(run)),
            Cell::new(failure),
        ]);
    }
    table.draw(screen)
}

fn color(run: &ClusterRun) -> Option<Color> {
    match &*run.state {
        "paused" => Some(Color::Red),
        "backing-off" => Some(Color::Yellow),
        "completed" => Some(Color::Grey),
        _ => None,
    }
}

/// When it began, as people read it.
fn began(run: &ClusterRun) -> String {
    let at = run.began.as_deref().unwrap_or_default();
    at.chars().take("2026-11-27T10:00:00".len()).collect::<String>().replace('T', " ")
}

/// A run as programs read it.
#[derive(Serialize)]
struct Listed<'a> {
    key: &'a str,
    pipeline: &'a str,
    state: &'a str,
    started: Option<&'a str>,
    reason: Option<&'a str>,
}

impl<'a> Listed<'a> {
    fn new(run: &'a ClusterRun) -> Self {
        Self {
            key: &run.key,
            pipeline: &run.pipeline,
            state: &run.state,
            started: run.began.as_deref(),
            reason: run.failure.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    run: Listed<'a>,
    /// The steps that wait for the world outside.
    pending: &'a [String],
    report: Option<Box<RawValue>>,
}

fn show(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    let key = key(args);
    let cluster = connect(args)?;
    let run = find(&cluster, args, key)?;
    let report =
        if run.is_over() { cluster.report(&plan(app, &run)?, key).map_err(failure)? } else { None };
    let pending = match &report {
        Some(_) => Vec::new(),
        None => cluster.pending(&run.pipeline, key).map_err(failure)?,
    };
    if args.get_flag("json") {
        let report = report.map(|report| as_json(&report)).transpose()?;
        let report = report.and_then(|report| RawValue::from_string(report).ok());
        return output::print(&as_json(&Shown {
            run: Listed::new(&run),
            pending: &pending,
            report,
        })?);
    }
    output::print(&page(&run, report.as_ref(), &pending, Screen::of_stdout()))
}

/// The run as people read it.
fn page(run: &ClusterRun, report: Option<&Report>, pending: &[String], screen: Screen) -> String {
    let one_line = |text: &str| visible(text).on_one_line().to_string();
    let mut out = screen.paint(Some(Color::Bold), &one_line(&run.key));
    let state = screen.paint(color(run), &one_line(&run.state));
    let _ = writeln!(out, "  {}  {state}", one_line(&run.pipeline));
    let _ = writeln!(out, "began {} UTC", began(run));
    match (report, &run.failure) {
        (Some(report), _) => {
            let _ = writeln!(out, "\n{}", report_text(report));
        }
        (None, Some(failure)) => {
            let _ = writeln!(out, "what went wrong last: {}", visible(failure).indented(2));
        }
        (None, None) => {}
    }
    if !pending.is_empty() {
        let _ = writeln!(out, "waits for the world outside at {}", one_line(&pending.join(", ")));
    }
    out
}

fn cancel(args: &ArgMatches) -> Result<Exit, Failure> {
    let key = key(args);
    let cluster = connect(args)?;
    let run = find(&cluster, args, key)?;
    if cluster.cancel(&run.pipeline, key).map_err(failure)? {
        return output::print(&visible(format!("cancelled `{key}`")).to_string());
    }
    Err(Failure::new(Exit::Failed, format!("the run `{key}` is over; there is nothing to cancel")))
}

fn resolve(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    let text = |name| args.get_one::<String>(name).map(String::as_str);
    let (key, step) = (key(args), text("step").unwrap_or_default());
    let cluster = connect(args)?;
    let run = find(&cluster, args, key)?;
    let plan = plan(app, &run)?;
    answer(&cluster, &plan, key, step, text("fail"), text("value").unwrap_or_default())?;
    output::print(&visible(format!("resolved `{step}` of `{key}`")).to_string())
}

fn answer(
    cluster: &Cluster,
    plan: &Arc<Plan>,
    key: &str,
    step: &str,
    fail: Option<&str>,
    value: &str,
) -> Result<(), Failure> {
    if let Some(message) = fail {
        return cluster.fail(plan, key, step, message).map_err(failure);
    }
    let value: &RawValue = serde_json::from_str(value)
        .map_err(|error| Failure::usage(format!("the value of `{step}` is no JSON: {error}")))?;
    cluster.resolve(plan, key, step, value).map_err(failure)
}

/// The plan of the run's pipeline, which this program has to have.
fn plan(app: &App, run: &ClusterRun) -> Result<Arc<Plan>, Failure> {
    let name = &run.pipeline;
    let entry = app.find(name).ok_or_else(|| {
        Failure::usage(format!(
            "this program has no pipeline `{name}`, so it cannot read what its run says"
        ))
    })?;
    Ok(Arc::clone((entry.plan)()?))
}

fn key(args: &ArgMatches) -> &str {
    args.get_one::<String>("key").map_or("", String::as_str)
}

fn as_json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}
