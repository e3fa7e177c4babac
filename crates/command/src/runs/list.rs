//! `runs list`.

use clap::ArgMatches;
use nexus_core::Status;
use nexus_core::journal::{RunCounts, RunQuery, RunState, Store, StoreError, StoredRun};
use nexus_sqlite::SqliteStore;

use super::color;
use super::json::ListedRun;
use crate::App;
use crate::output::{self, Exit, Failure};
use crate::store;
use crate::table::{Cell, Color, Column, Screen, Table};
use crate::time;

pub(crate) fn list(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    let store = store::read(app, args)?;
    let runs = runs(&store, args).map_err(|error| store::failure(&error))?;
    if args.get_flag("json") {
        let line = |run| serde_json::to_string(&ListedRun::new(run)).map(|line| line + "\n");
        let lines: Result<String, _> = runs.iter().map(line).collect();
        let lines = lines.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        return output::print(&lines);
    }
    output::print(&table(&runs, Screen::of_stdout()))
}

/// The runs to list, those that began last first.
fn runs(store: &SqliteStore, args: &ArgMatches) -> Result<Vec<StoredRun>, StoreError> {
    let limit = args.get_one::<u32>("limit").map(|limit| *limit as usize);
    let pipeline = args.get_one::<String>("pipeline").cloned();
    store.runs(&RunQuery { states: wanted_states(args), pipeline, limit, ..RunQuery::all() })
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
    if runs.is_empty() {
        return "no runs".to_owned();
    }
    table.draw(screen)
}
