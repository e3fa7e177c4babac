//! The store of durable runs: which file it is, and who owns it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::ArgMatches;
use nexus_core::journal::{RunQuery, Store, StoreError, StoredRun};
use nexus_pointy::suggest::nearest;
use nexus_sqlite::SqliteStore;

use crate::App;
use crate::output::{Exit, Failure};

/// Names the store where no `--store` does.
pub(crate) const VARIABLE: &str = "NEXUS_STORE";

/// A store that this process may change, or one that another process owns.
pub(crate) enum Opened {
    Owned(SqliteStore),
    Beside {
        store: SqliteStore,
        /// Which process owns it.
        owner: String,
    },
}

impl Opened {
    /// The store, to be read.
    pub(crate) fn store(&self) -> &SqliteStore {
        match self {
            Self::Owned(store) | Self::Beside { store, .. } => store,
        }
    }
}

/// The store's file, if one is named: by `--store`, by the environment or by the program.
pub(crate) fn path(app: &App, args: &ArgMatches) -> Option<PathBuf> {
    let named = args.get_one::<PathBuf>("store").cloned();
    let of_environment = || std::env::var_os(VARIABLE).filter(|it| !it.is_empty());
    named.or_else(|| of_environment().map(PathBuf::from)).or_else(|| app.store.clone())
}

/// The store's file, which the command needs.
pub(crate) fn needed_path(app: &App, args: &ArgMatches) -> Result<PathBuf, Failure> {
    path(app, args).ok_or_else(|| {
        Failure::usage(format!(
            "no store is named: give its file with `--store FILE`, or in the environment variable `{VARIABLE}`"
        ))
    })
}

/// Opens a store that is there, to read it.
pub(crate) fn read(app: &App, args: &ArgMatches) -> Result<SqliteStore, Failure> {
    SqliteStore::read_only(needed_path(app, args)?).map_err(|error| failure(&error))
}

/// Opens a store that is there, to change it or to ask its owner to.
pub(crate) fn open(app: &App, args: &ArgMatches) -> Result<Opened, Failure> {
    let path = needed_path(app, args)?;
    let store = SqliteStore::read_only(&path).map_err(|error| failure(&error))?;
    match SqliteStore::open(&path) {
        Ok(owned) => Ok(Opened::Owned(owned)),
        Err(StoreError::Owned { owner }) => Ok(Opened::Beside { store, owner }),
        Err(error) => Err(failure(&error)),
    }
}

/// Opens the store as its owner, and makes it if it is not there. A command of another process may
/// own it for a moment.
pub(crate) fn own(path: &PathBuf) -> Result<SqliteStore, StoreError> {
    const PATIENCE: Duration = Duration::from_secs(1);
    const AGAIN: Duration = Duration::from_millis(20);
    let begun = Instant::now();
    loop {
        match SqliteStore::open(path) {
            Err(StoreError::Owned { .. }) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(AGAIN);
            }
            opened => return opened,
        }
    }
}

/// The run with this key.
pub(crate) fn run(store: &SqliteStore, key: &str) -> Result<StoredRun, Failure> {
    if let Some(run) = store.run(key).map_err(|error| failure(&error))? {
        return Ok(run);
    }
    // A key that somebody mistypes is one of a run that is of interest now.
    let last = RunQuery { limit: Some(1000), ..RunQuery::all() };
    let runs = store.runs(&last).map_err(|error| failure(&error))?;
    let near = match nearest(key, runs.iter().map(|run| &*run.start.key)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`runs list` shows what there is".to_owned(),
    };
    let path = store.path().display();
    Err(Failure::usage(format!("the store `{path}` has no run with the key `{key}`; {near}")))
}

/// What the user is told of a store that cannot be used.
pub(crate) fn failure(error: &StoreError) -> Failure {
    let exit = match error {
        StoreError::Unsuitable(_) => Exit::Usage,
        _ => Exit::Failed,
    };
    Failure::new(exit, error.to_string())
}
