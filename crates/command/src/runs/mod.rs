//! `runs`: the durable runs of a store.

mod args;
mod change;
mod json;
mod list;
mod look;
mod show;
mod timeline;

use clap::ArgMatches;
use nexus_core::Status;
use nexus_core::journal::RunState;

pub(crate) use args::{command, store};

use crate::App;
use crate::output::{Exit, Failure};
use crate::table::Color;

pub(crate) fn runs(app: App, args: &ArgMatches) -> Result<Exit, Failure> {
    #[cfg(feature = "restate")]
    if crate::cluster::is_named(args)? {
        return crate::cluster::runs(&app, args);
    }
    match args.subcommand() {
        Some(("list", args)) => list::list(&app, args),
        Some(("show", args)) => show::show(&app, args),
        Some(("cancel", args)) => change::cancel(&app, args),
        Some(("resolve", args)) => change::resolve(app, args),
        Some(("retry", args)) => change::retry(app, args),
        Some(("adopt", args)) => change::adopt(app, args),
        Some(("restart", args)) => change::restart(app, args),
        Some(("abandon", args)) => change::abandon(&app, args),
        Some(("prune", args)) => change::prune(&app, args),
        _ => Ok(Exit::Usage),
    }
}

/// The colour of a state: what somebody has to look at is red or yellow.
fn color(state: RunState) -> Option<Color> {
    match state {
        RunState::Ended(Status::Succeeded) => Some(Color::Green),
        RunState::Ended(Status::Cancelled) => Some(Color::Grey),
        RunState::Ended(_) | RunState::Damaged => Some(Color::Red),
        RunState::NeedsDecision => Some(Color::Yellow),
        _ => None,
    }
}

/// The run's key, as the command line names it.
fn key(args: &ArgMatches) -> &str {
    args.get_one::<String>("key").map_or("", String::as_str)
}
