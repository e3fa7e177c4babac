//! `run`: input, flow, run, report.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;
use nexus_core::Value;
use nexus_core::command_line::prepare_values;
use nexus_core::{Plan, Report};

#[cfg(feature = "restate")]
use crate::cluster;
use crate::events::Events;
use crate::input::{self, Document};
use crate::interrupt::Interrupt;
use crate::output::{Exit, Failure, UserError};
use crate::plan::plan;
use crate::progress::{Mode, RunProgress};
use crate::recording::Recording;
use crate::report::{Shown, print_report};
use crate::spans::Spans;
use crate::{App, Entry, graph};

pub(crate) fn run(mut app: App, args: &ArgMatches) -> Result<Exit, Failure> {
    let Some(entry) = args.get_one::<String>("pipeline").and_then(|name| app.find(name)) else {
        return Ok(Exit::Usage);
    };
    let picture = match args.get_one::<PathBuf>("graph") {
        Some(path) => Some((path, graph::format_for_path(path)?)),
        None => None,
    };
    let page = args.get_one::<PathBuf>("report").map(|path| (path, Spans::new()));
    let (plan, values) = plan_and_input(entry, args)?;
    let files = picture.iter().map(|(path, _)| path).chain(page.iter().map(|(path, _)| path));
    for path in files {
        graph::check_writable(path)?;
    }
    if let Some((_, spans)) = &page {
        let spans = spans.clone();
        app = app.engine(|engine| engine.observer(spans));
    }
    if Shown::of(args) == Shown::Event {
        app = app.engine(|engine| engine.observer(Events::new()));
    }
    let report = run_pipeline(app, entry, args, &plan, values)?;
    let drawn = match picture {
        Some((path, format)) => graph::write(path, &report.picture().draw(format)),
        None => Ok(()),
    };
    let written = match page {
        Some((path, spans)) => graph::write(path, &spans.page(&report).html()),
        None => Ok(()),
    };
    let shown = print_report(report, Shown::of(args));
    drawn.and(written).and(shown)
}

/// The plan and the input, or the errors of both.
fn plan_and_input(entry: Entry, args: &ArgMatches) -> Result<(Arc<Plan>, Vec<Value>), Failure> {
    let mut errors = Vec::new();
    let plan = plan(entry, args.get_one::<PathBuf>("flow"));
    let values = values(entry, args);
    match (plan, values) {
        (Ok(plan), Ok(values)) => return Ok((plan, values)),
        (plan, values) => {
            errors.extend(plan.err());
            errors.extend(values.err().into_iter().flatten().map(UserError::Text));
        }
    }
    Err(Failure::all(errors))
}

fn values(entry: Entry, args: &ArgMatches) -> Result<Vec<Value>, Vec<String>> {
    let document = match args.get_one::<PathBuf>("input") {
        Some(path) => Some(Document::read(path).map_err(|error| vec![error])?),
        None => None,
    };
    let sets: Vec<(String, String)> = args.get_many("set").into_iter().flatten().cloned().collect();
    input::values(entry.input, document.as_ref(), &sets)
}

fn run_pipeline(
    app: App,
    entry: Entry,
    args: &ArgMatches,
    plan: &Arc<Plan>,
    values: Vec<Value>,
) -> Result<Report, Failure> {
    #[cfg(feature = "restate")]
    if cluster::is_named(args)? {
        return cluster::run(&app.name, entry, args, plan, values);
    }
    let recording = Recording::of(&app, entry, args)?;
    let is_never = args.get_one::<String>("progress").is_some_and(|when| when == "never");
    let progress = RunProgress::new(Mode::unless(is_never || args.get_flag("quiet")));
    let app = app.engine(progress.observe());
    let engine = match &recording {
        Some(recording) => recording.engine(app),
        None => app.build_engine(),
    }?;
    let mut prepared = prepare_values(&engine, plan, values);
    let timeout = args.get_one::<Duration>("timeout").copied();
    if let Some(limit) = timeout.or_else(entry.timeout) {
        prepared = prepared.timeout(limit);
    }
    if let Some(recording) = &recording {
        prepared = recording.record(prepared)?;
    }
    let interrupt = Interrupt::listen();
    let handle = prepared.start()?;
    if let Some(recording) = &recording {
        recording.leave_on_signal(&interrupt, &engine, &handle);
    } else {
        let run = handle.canceller();
        let notice = "cancelling the run; press Ctrl-C again to end at once";
        interrupt.stops(notice, move || run.cancel());
    }
    let left = recording.and_then(|recording| recording.if_left(&handle));
    match (progress.wait(handle, plan.name()), left) {
        (Err(_), Some(left)) if interrupt.has_come() => Err(left),
        (report, _) => Ok(report?),
    }
}
