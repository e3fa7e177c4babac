//! The arguments of `runs`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, Command, value_parser};

use nexus_core::journal::{RunCounts, RunState};
use nexus_pointy::settings::parse_duration;

use crate::store::VARIABLE;
use crate::{App, actor};

/// How many runs are listed where the user does not say.
const LISTED: &str = "50";

pub(crate) fn command(app: &App) -> Command {
    let name = &app.name;
    let command = Command::new("runs")
        .about("Lists, shows and steers the durable runs of a store")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(store().global(true))
        .subcommand(list(name))
        .subcommand(show(name))
        .subcommand(
            Command::new("cancel")
                .about("Ends a run for good: nothing more starts, and its status is cancelled")
                .arg(key())
                .arg(wait())
.arg(actor::argument()),
        )
        .subcommand(retry(name))
        .subcommand(resolve(name))
        .subcommand(
            Command::new("adopt")
                .about("Goes on with a run that needs a decision, by the flow of today; what is recorded of it stands")
                .arg(key())
                .arg(wait())
.arg(actor::argument()),
        )
        .subcommand(
            Command::new("restart")
                .about("Begins a run that needs a decision again, with the flow of today and the same inputs")
                .arg(key())
                .arg(wait())
.arg(actor::argument()),
        )
        .subcommand(
            Command::new("abandon")
                .about("Ends a run that needs a decision; why it could not go on stays with it")
                .arg(key())
                .arg(wait())
.arg(actor::argument()),
        )
        .subcommand(prune(name))
        .after_help(format!(
            "Reading is possible while another process, such as `{name} serve`, owns the store. What changes a run is asked of that process then, which looks for it four times a second; `--wait` waits until it is done.

Examples:
  {name} runs list --store orders.db --failed
  {name} runs show A-1001
  {name} runs cancel A-1001 --wait"
        ));
    #[cfg(feature = "restate")]
    let command = ["show", "cancel", "resolve"]
        .into_iter()
        .fold(crate::cluster::arguments(command, true), |command, name| {
            command.mut_subcommand(name, crate::cluster::pipeline_argument)
        })
        .about("Lists, shows and steers the durable runs of a store, or of a cluster");
    command
}

/// The option that names the store.
pub(crate) fn store() -> Arg {
    Arg::new("store")
        .long("store")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help(format!("The store of durable runs; without it, the one that the environment variable {VARIABLE} or the program names"))
}

fn list(name: &str) -> Command {
    let states = PossibleValuesParser::new(RunCounts::STATES.map(RunState::name));
    Command::new("list")
        .about("Lists runs, those that began last first")
        .arg(
            Arg::new("status")
                .long("status")
                .value_name("STATUS")
                .action(ArgAction::Append)
                .value_parser(states)
                .help("Only runs with this status; may be given several times"),
        )
        .arg(
            Arg::new("failed")
                .long("failed")
                .action(ArgAction::SetTrue)
                .conflicts_with("status")
                .help("Only runs that failed, were stopped or took too long, that need a decision, or that are damaged"),
        )
        .arg(
            Arg::new("pipeline")
                .long("pipeline")
                .value_name("PIPELINE")
                .help("Only runs of this pipeline"),
        )
        .arg(
            Arg::new("limit")
                .long("limit")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..))
                .default_value(LISTED)
                .help("At most so many"),
        )
        .arg(
            Arg::new("before")
                .long("before")
                .value_name("KEY")
                .help("Only runs that a list has after the run with this key: the next page"),
        )
        .arg(json("Print each run as a line of JSON"))
        .after_help(format!(
            "Dates are in UTC.

Examples:
  {name} runs list
  {name} runs list --status unfinished --status needs_decision
  {name} runs list --failed --limit 1000 --json"
        ))
}

fn show(name: &str) -> Command {
    Command::new("show")
        .about("Shows what became of a run so far: its flow, its timeline and its errors")
        .arg(key())
        .arg(json("Print all that is recorded of it as a line of JSON"))
        .after_help(format!(
            "Dates are in UTC.

Examples:
  {name} runs show A-1001
  {name} runs show A-1001 --json"
        ))
}

fn retry(name: &str) -> Command {
    Command::new("retry")
        .about("Goes on with a run that is over from what failed; what succeeded stays as it is")
        .arg(key())
        .arg(
            Arg::new("from")
                .long("from")
                .value_name("STEP")
                .help("Do this step, as `show` has it, and all that comes after it again instead"),
        )
        .arg(wait())
        .arg(actor::argument())
        .after_help(format!(
            "Examples:
  {name} runs retry A-1001
  {name} runs retry A-1001 --from charge --wait"
        ))
}

fn resolve(name: &str) -> Command {
    Command::new("resolve")
        .about("Says what a step yields that waits for the world outside, or that it has failed")
        .arg(key())
        .arg(
            Arg::new("step")
                .value_name("STEP")
                .required(true)
                .help("The step's path, as `show` has it; `path[3]` for an item of an `each` step"),
        )
        .arg(
            Arg::new("value")
                .value_name("JSON")
                .required_unless_present("fail")
                .help("What it yields, as JSON of its event's type"),
        )
        .arg(
            Arg::new("fail")
                .long("fail")
                .value_name("MESSAGE")
                .conflicts_with("value")
                .help("What it waits for has failed: an exception of its event, which is retried as any other"),
        )
        .arg(wait())
.arg(actor::argument())
        .after_help(format!(
            "Examples:
  {name} runs resolve A-1001 approve '\"Ada says yes\"'
  {name} runs resolve A-1001 approve --fail 'nobody answered'"
        ))
}

fn prune(name: &str) -> Command {
    Command::new("prune")
        .about("Removes runs that were over long ago; their keys are free then")
        .arg(
            Arg::new("older-than")
                .long("older-than")
                .value_name("TIME")
                .required(true)
                .value_parser(ValueParser::new(parse_duration))
                .help("Remove the runs that were over for longer than this"),
        )
        .after_help(format!(
            "Keep runs for longer than somebody may ask for the same thing again. A process that owns the store removes them by itself: `{name} serve --keep-finished 30d`.

Examples:
  {name} runs prune --older-than 30d"
        ))
}

fn key() -> Arg {
    Arg::new("key").value_name("KEY").required(true).help("The run's key")
}

fn json(help: &'static str) -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help(help)
}

fn wait() -> Arg {
    Arg::new("wait")
        .long("wait")
        .action(ArgAction::SetTrue)
        .help("If another process owns the store, wait until it has done it")
}
