//! Who uses the command line, for the store's list of what people have done.

use clap::{Arg, ArgMatches};
use nexus_core::Engine;
use nexus_core::journal::{ActionTaken, Request};

use crate::time;

/// Where a system says who somebody is. It proves nothing: whoever can write to the store can write any
/// name.
const VARIABLES: [&str; 3] = ["LOGNAME", "USER", "USERNAME"];

/// The option that says who it is.
pub(crate) fn argument() -> Arg {
    Arg::new("by")
        .long("by")
        .value_name("NAME")
        .help("Who does it, for the list of actions; without it, the user of this session")
}

/// What the user of the command line asks for, as it is written down.
pub(crate) fn action(args: &ArgMatches, request: &Request) -> ActionTaken {
    let of_session = || VARIABLES.iter().find_map(|name| std::env::var(name).ok());
    let name = args.get_one::<String>("by").cloned().or_else(of_session);
    let name = name.filter(|name| !name.trim().is_empty());
    let name = name.unwrap_or_else(|| "unnamed".to_owned());
    let mut action = ActionTaken::new(time::now(), name, request.name(), &**request.key());
    action.step = match request {
        Request::Retry { from, .. } => from.clone(),
        Request::Resolve { step, .. } | Request::Fail { step, .. } => Some(step.clone()),
        _ => None,
    };
    action
}

/// Writes down what was done, or could not be.
pub(crate) fn noted<T>(
    engine: &Engine,
    mut action: ActionTaken,
    done: nexus_core::Result<T>,
) -> nexus_core::Result<T> {
    action.error = done.as_ref().err().map(ToString::to_string);
    engine.note_action(&action)?;
    done
}
