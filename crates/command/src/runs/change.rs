//! What changes a run: done at once where nobody owns the store, and else asked of its owner.

use std::time::{Duration, Instant};

use clap::ArgMatches;
use nexus_core::Engine;
use nexus_core::journal::{Request, RunState, Store, StoredRun};
use nexus_pointy::visible;
use nexus_sqlite::SqliteStore;

use super::key;
use crate::App;
use crate::output::{self, Exit, Failure};
use crate::store::{self, Opened};

/// How often it is looked whether a request was done, and for how long.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn cancel(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    let key = key(args);
    let opened = store::open(app, args)?;
    let run = store::run(opened.store(), key)?;
    if let RunState::Ended(status) = run.state {
        let key = visible(key).on_one_line();
        return Err(Failure::new(
            Exit::Failed,
            format!("the run `{key}` has {status} already; there is nothing to cancel"),
        ));
    }
    let is_over = |run: &StoredRun| matches!(run.state, RunState::Ended(_));
    match opened {
        Opened::Owned(store) => {
            let cancelled = Engine::builder().store(store).build().and_then(|it| it.cancel(key));
            cancelled.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
            done(&format!("cancelled `{key}`"))
        }
        Opened::Beside { store, owner } => {
            let request = Request::Cancel { key: key.into() };
            ask(&store, &owner, &request, args, &format!("cancel `{key}`"), is_over)
        }
    }
}

fn done(what: &str) -> Result<Exit, Failure> {
    output::print(&visible(what).to_string())
}

/// Leaves a request for the store's owner. With `--wait`, waits until `is_done` holds for the run.
fn ask(
    store: &SqliteStore,
    owner: &str,
    request: &Request,
    args: &ArgMatches,
    what: &str,
    is_done: impl Fn(&StoredRun) -> bool,
) -> Result<Exit, Failure> {
    store.request(request).map_err(|error| store::failure(&error))?;
    if !args.get_flag("wait") {
        return done(&format!("asked the owner of the store to {what}: {owner}"));
    }
    let begun = Instant::now();
    loop {
        let run = store::run(store, key(args))?;
        if is_done(&run) {
            return done(&format!("the owner of the store did what it was asked to: {what}"));
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failure::new(
                Exit::Failed,
                format!("the owner of the store was asked to {what}, and has not done it yet"),
            ));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
