//! `runs list`.

use std::fmt::Write;

use clap::ArgMatches;
use nexus_core::Status;
use nexus_core::journal::{RunCounts, RunQuery, RunState, Store, StoredRun};
use nexus_sqlite::SqliteStore;

use super::color;
use super::json::ListedRun;
use crate::App;
use crate::output::{self, Exit, Failure};
use crate::shell::shell_word;
use crate::store;
use crate::table::{Cell, Color, Column, Screen, Table};
use crate::time;

pub(crate) fn list(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    let store = store::read(app, args)?;
    let query = query(&store, args)?;
    let runs = store.runs(&query).map_err(|error| store::failure(&error))?;
    if args.get_flag("json") {
        let line = |run| serde_json::to_string(&ListedRun::new(run)).map(|line| line + "\n");
        let lines: Result<String, _> = runs.iter().map(line).collect();
        let lines = lines.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        return output::print(&lines);
    }
    let counts = store.counts(&query).map_err(|error| store::failure(&error))?;
    output::print(&(table(&runs, Screen::of_stdout()) + &footer(&runs, &counts)))
}

/// The runs to list, those that began last first.
fn query(store: &SqliteStore, args: &ArgMatches) -> Result<RunQuery, Failure> {
    let before = match args.get_one::<String>("before") {
        Some(key) => Some(store::run(store, key)?.cursor()),
        None => None,
    };
    Ok(RunQuery {
        states: wanted_states(args),
        pipeline: args.get_one::<String>("pipeline").cloned(),
        after: before,
        limit: args.get_one::<u32>("limit").map(|limit| *limit as usize),
        ..RunQuery::all()
    })
}

/// The states of the runs to list; all of them where there is none.
fn wanted_states(args: &ArgMatches) -> Vec<RunState> {
    if args.get_flag("failed") {
        let states = [Status::Failed, Status::Stopped, Status::TimedOut].map(RunState::Ended);
        return [&states[..], &[RunState::NeedsDecision, RunState::Damaged]].concat();
    }
    let names = args.get_many::<String>("status").into_iter().flatten();
    names
        .filter_map(|name| RunCounts::STATES.into_iter().find(|state| state.name() == name))
        .collect()
}

fn table(runs: &[StoredRun], screen: Screen) -> String {
    let mut table = Table::new([
        Column::long("KEY"),
        Column::long("PIPELINE"),
        Column::text("STATUS"),
        Column::text("STARTED (UTC)"),
        Column::text("TOOK"),
        Column::number("RECORDS"),
    ]);
    for run in runs {
        let took = match run.ended_at {
            Some(ended) => Cell::new(time::short(ended.since(run.start.at))),
            None => Cell::new("").colored(Some(Color::Grey)),
        };
        table.add([
            Cell::new(&run.start.key),
            Cell::new(&run.start.pipeline),
            Cell::new(run.state.name()).colored(color(run.state)),
            Cell::new(time::date(run.start.at)),
            took,
            Cell::new(run.records),
        ]);
    }
    if runs.is_empty() { String::new() } else { table.draw(screen) }
}

/// How many runs there are, of each state, and how to see those that are not shown.
fn footer(runs: &[StoredRun], counts: &RunCounts) -> String {
    let of_each = counts.iter().filter(|(_, count)| *count > 0);
    let of_each: Vec<String> =
        of_each.map(|(state, count)| format!("{count} {}", state.name())).collect();
    let total = counts.total();
    let mut footer = match total {
        0 => return "no runs".to_owned(),
        1 => format!("1 run: {}", of_each.join(", ")),
        _ => format!("{total} runs: {}", of_each.join(", ")),
    };
    if let Some(last) = runs.last().filter(|_| (runs.len() as u64) < total) {
        let _ = write!(footer, "; older ones: --before {}", shell_word(&last.start.key));
    }
    footer
}
