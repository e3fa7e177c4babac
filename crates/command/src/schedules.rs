//! `schedules`: lists and steers the schedules that `serve` fires.

use clap::{Arg, ArgAction, ArgMatches, Command};
use nexus_core::journal::{MemoryStore, Request, Store, StoredRun};
use nexus_pointy::visible;
use nexus_schedule::jiff::{SignedDuration, Timestamp, ZonedDateTime};
use nexus_schedule::{ScheduleStatus, Scheduled};
use serde::Serialize;

use crate::output::{self, Exit, Failure};
use crate::table::{Cell, Color, Column, Screen, Table};
use crate::{App, actor, store, time};

pub(crate) fn schedules(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    match args.subcommand() {
        Some(("list", args)) => list(app, args),
        Some(("pause", args)) => ask(app, args, |key, _| Request::PauseSchedule { key }),
        Some(("resume", args)) => {
            ask(app, args, |key, after| Request::ResumeSchedule { key, after })
        }
        Some(("fire", args)) => ask(app, args, |key, at| Request::FireSchedule { key, at }),
        _ => Ok(Exit::Usage),
    }
}

fn list(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    let mut listed = Vec::new();
    // Before the first `serve` there is no store, and nothing to say but when they will fire.
    let store: Box<dyn Store> = match store::path(app, args).filter(|path| path.exists()) {
        Some(_) => Box::new(store::read(app, args)?),
        None => Box::new(MemoryStore::new()),
    };
    let now = now();
    for scheduled in &app.schedules {
        listed.push((scheduled, scheduled.status(&*store, now)?));
    }
    if args.get_flag("json") {
        let line = |(scheduled, status): &(&Scheduled, ScheduleStatus)| {
            serde_json::to_string(&Listed::new(scheduled, status)).map(|line| line + "\n")
        };
        let lines: Result<String, _> = listed.iter().map(line).collect();
        let lines = lines.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        return output::print(&lines);
    }
    output::print(&table(&listed, Screen::of_stdout()))
}

/// A schedule as programs read it.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    paused: bool,
    last_run: Option<LastRun<'a>>,
    /// In the schedule's zone, as RFC 9557 writes it.
    next: Vec<String>,
}

#[derive(Serialize)]
struct LastRun<'a> {
    key: &'a str,
    status: &'static str,
}

impl<'a> Listed<'a> {
    fn new(scheduled: &'a Scheduled, status: &'a ScheduleStatus) -> Self {
        let last = |run: &'a StoredRun| LastRun { key: &run.start.key, status: run.state.name() };
        Self {
            name: scheduled.name(),
            paused: status.is_paused,
            last_run: status.last.as_ref().map(last),
            next: status.next.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Each schedule with its last run, and a line for each of its next times.
fn table(listed: &[(&Scheduled, ScheduleStatus)], screen: Screen) -> String {
    let mut table = Table::new([
        Column::long("SCHEDULE"),
        Column::text("STATE"),
        Column::text("LAST RUN (UTC)"),
        Column::text("NEXT"),
    ]);
    for (scheduled, status) in listed {
        let state = if status.is_paused {
            Cell::new("paused").colored(Some(Color::Yellow))
        } else {
            Cell::new("active")
        };
        let last = status
            .last
            .as_ref()
            .map(|run| Cell::new(format!("{} {}", time::date(run.start.at), run.state.name())));
        let mut next = status.next.iter().map(|time| Cell::new(shown(time)));
        let first = next.next().unwrap_or_else(|| Cell::new("never again"));
        table.add([
            Cell::new(scheduled.name()),
            state,
            last.unwrap_or_else(|| Cell::new("")),
            first,
        ]);
        for next in next {
            table.add([Cell::new(""), Cell::new(""), Cell::new(""), next]);
        }
    }
    table.draw(screen)
}

pub(crate) fn now() -> Timestamp {
    let now = SignedDuration::from_micros(i64::try_from(time::now().0).unwrap_or(i64::MAX));
    Timestamp::from_duration(now).unwrap_or(Timestamp::MAX)
}

/// `2026-03-29 03:00:00+02:00 Europe/Oslo`
pub(crate) fn shown(time: &ZonedDateTime) -> String {
    let zone = time.time_zone().iana_name().unwrap_or_default();
    format!("{} {zone}", time.strftime("%Y-%m-%d %H:%M:%S%:z"))
}

/// Leaves a request about a schedule in the store.
fn ask(
    app: &App,
    args: &ArgMatches,
    request: impl Fn(std::sync::Arc<str>, nexus_core::journal::Timestamp) -> Request,
) -> Result<Exit, Failure> {
    let name = args.get_one::<String>("schedule").map_or("", String::as_str);
    let store = store::read(app, args)?;
    let request = request(name.into(), time::now());
    let noted = store.note(&actor::action(args, &request));
    noted.and_then(|()| store.request(&request)).map_err(|error| store::failure(&error))?;
    let program = &app.name;
    let done = match request {
        Request::PauseSchedule { .. } => {
            format!("paused `{name}`; `{program} schedules resume {name}` has it go on")
        }
        Request::ResumeSchedule { .. } => {
            format!("resumed `{name}`; what it missed meanwhile is not made up for")
        }
        _ => format!(
            "asked for a run of `{name}`; it begins as soon as `{program} serve` looks, four times a second"
        ),
    };
    output::print(&visible(done).to_string())
}

pub(crate) fn command(app: &App) -> Command {
    let name = &app.name;
    Command::new("schedules")
        .about("Lists and steers the schedules that `serve` fires")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(crate::runs::store().global(true))
        .subcommand(
            Command::new("list")
                .about("Lists the schedules with their last run and their next five times")
                .arg(
                    Arg::new("json")
                        .long("json")
                        .action(ArgAction::SetTrue)
                        .help("Print each schedule as a line of JSON"),
                ),
        )
        .subcommand(
            Command::new("pause")
                .about("Has a schedule fire no more, until it is resumed; runs that are under way go on")
                .arg(schedule(app))
.arg(actor::argument()),
        )
        .subcommand(
            Command::new("resume")
                .about("Has a paused schedule fire again, at its times from now on")
                .arg(schedule(app))
.arg(actor::argument()),
        )
        .subcommand(
            Command::new("fire")
                .about("Begins a run of a schedule now, whether it is paused or not")
                .arg(schedule(app))
.arg(actor::argument()),
        )
        .after_help(format!(
            "Examples:
  {name} schedules list
  {name} schedules pause nightly --store orders.db"
        ))
}

fn schedule(app: &App) -> Arg {
    let names: Vec<String> = app.schedules.iter().map(|it| it.name().to_owned()).collect();
    Arg::new("schedule")
        .value_name("SCHEDULE")
        .required(true)
        .value_parser(clap::builder::PossibleValuesParser::new(names))
        .help("The schedule")
}
