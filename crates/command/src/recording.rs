//! The part of `run` that is about durable runs.

use std::sync::Arc;

use clap::ArgMatches;
use nexus_core::journal::{RunState, Store, StoreError, StoredRun};
use nexus_core::{Engine, Prepared, RunHandle, Shutdown};
use nexus_sqlite::SqliteStore;

use crate::interrupt::Interrupt;
use crate::output::{Exit, Failure, warn};
use crate::progress::RunProgress;
use crate::report::{Shown, print_report};
use crate::shell::shell_word;
use crate::{App, Entry, store, time};

/// That a run is written down: where, and under which key.
pub(crate) struct Recording {
    store: Arc<SqliteStore>,
    key: Option<String>,
    program: String,
}

impl Recording {
    /// That of the run that the command line asks for, if it is to be written down: it has a key, or
    /// its pipeline is durable and a store is named.
    pub(crate) fn of(app: &App, entry: Entry, args: &ArgMatches) -> Result<Option<Self>, Failure> {
        let key = args.get_one::<String>("key").cloned();
        let path = match &key {
            Some(_) => store::needed_path(app, args)?,
            None if entry.is_durable => match store::path(app, args) {
                Some(path) => path,
                None => return Ok(None),
            },
            None => return Ok(None),
        };
        let store = store::own(&path).map_err(|error| beside(app, args, &error))?;
        let store = Arc::new(store);
        Ok(Some(Self { store, key, program: app.name.clone() }))
    }

    pub(crate) fn engine(&self, app: App) -> nexus_core::Result<Engine> {
        app.build_durable_engine(Arc::clone(&self.store), |engine| engine)
    }

    /// Says what the store has of the run already.
    pub(crate) fn record(&self, prepared: Prepared) -> Result<Prepared, Failure> {
        let Some(key) = &self.key else { return Ok(prepared.recorded_if_stored()) };
        let found = self.store.run(key).map_err(|error| store::failure(&error))?;
        if let Some(found) = found {
            warn(&already_there(&found));
        }
        Ok(prepared.key(&**key))
    }

    /// Has a signal leave the run, which anybody can go on with, instead of ending it for good.
    pub(crate) fn leave_on_signal(&self, interrupt: &Interrupt, engine: &Engine, run: &RunHandle) {
        if let (Some(key), None) = (run.key(), &self.key) {
            warn(&format!("the run is recorded under the key `{key}`"));
        }
        leave_on_signal(interrupt, engine);
    }

    /// What the user is told of the run if a signal leaves it.
    pub(crate) fn if_left(&self, run: &RunHandle) -> Option<Failure> {
        Some(left(&self.program, run.key()?))
    }
}

/// What to do where another process owns the store, in which alone a run of it can begin.
fn beside(app: &App, args: &ArgMatches, error: &StoreError) -> Failure {
    if !matches!(error, StoreError::Owned { .. }) {
        return store::failure(error);
    }
    let program = &app.name;
    let key = args.get_one::<String>("key").map_or("", String::as_str);
    let found = store::read(app, args).ok().and_then(|store| store.run(key).ok()?);
    let what = match found {
        Some(run) => format!(
            "The run `{key}` is there ({}): see `{program} runs show {}`",
            run.state.name(),
            shell_word(key)
        ),
        None => format!(
            "A run begins in the process that owns its store: end that one for a moment, which leaves its runs to be resumed; give this run a store of its own with `--store`; or let that one begin it, by a schedule and `{program} schedules fire`"
        ),
    };
    Failure::new(Exit::Failed, format!("{error}. {what}"))
}

/// Waits for the end of a run that goes on, and shows its report.
pub(crate) fn drive(
    engine: &Engine,
    run: RunHandle,
    progress: RunProgress,
    program: &str,
) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen();
    leave_on_signal(&interrupt, engine);
    let key = run.key().unwrap_or_default().to_owned();
    match progress.wait(run, &key) {
        Ok(report) => print_report(report, Shown::Report),
        Err(_) if interrupt.has_come() => Err(left(program, &key)),
        Err(error) => Err(error.into()),
    }
}

fn leave_on_signal(interrupt: &Interrupt, engine: &Engine) {
    let engine = engine.clone();
    let notice = "leaving the run, when the attempts that are under way have ended; press Ctrl-C again to end at once";
    interrupt.stops(notice, move || {
        let engine = engine.clone();
        std::thread::spawn(move || engine.shutdown(Shutdown::release()));
    });
}

fn left(program: &str, key: &str) -> Failure {
    Failure::new(
        Exit::Cancelled,
        format!(
            "the run `{key}` was left where it is: `{program} serve` goes on with it, or the same command with this key, and `{program} runs cancel` ends it for good"
        ),
    )
}

fn already_there(run: &StoredRun) -> String {
    let (key, began) = (&run.start.key, time::date(run.start.at));
    match run.state {
        RunState::Ended(status) => {
            format!("the run `{key}` began {began} UTC and has {status}; nothing is run again")
        }
        _ => format!("the run `{key}` began {began} UTC and is not over; it goes on where it is"),
    }
}
