//! The commands and their arguments.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use clap_complete::Shell;
use nexus_core::PictureFormat;
use nexus_pointy::settings::parse_duration;

use crate::App;

const EXIT_CODES: &str = "Exit codes:
  0    the run succeeded, or what was asked for was shown or done
  1    the run failed or was stopped, or could not begin; what was asked for could not be done
  2    the command line, the input or the flow is wrong; nothing ran
  3    the run took longer than its timeout
  130  the run was cancelled (Ctrl-C, SIGTERM, SIGHUP); a durable one was left to be resumed";

const RUN: &str = "Runs a pipeline and shows what became of each step.

The fields of the pipeline come from a JSON object, and from `--set`, which wins. A field with a \
default may be left out. Everything is checked before anything runs: the fields, each mistake \
named by its path, and the flow.

Ctrl-C, SIGTERM or SIGHUP cancels the run: nothing more starts, and what has become of the steps is \
still reported. A run that is recorded in a store is not cancelled but left, and can go on. \
A second Ctrl-C ends the program at once.";

pub(crate) fn command(app: &App) -> Command {
    let example = app.pipelines.first().map_or("PIPELINE", |entry| entry.name);
    let name = &app.name;
    let examples = format!(
        "Examples:
  {name} list
  {name} describe {example}
  {name} run {example} --input input.json
  {name} graph {example} --output flow.svg

{EXIT_CODES}"
    );
    let mut command = Command::new(name.clone())
        .bin_name(name.clone())
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(examples)
        .subcommand(run(app))
        .subcommand(
            Command::new("list")
                .about("Lists the pipelines with their fields, and the events that flows may use"),
        )
        .subcommand(
            Command::new("describe")
                .about("Says what an event or a pipeline takes and yields, and how it is run")
                .arg(
                    Arg::new("name")
                        .value_name("EVENT|PIPELINE")
                        .required_unless_present("json")
                        .help("The name of an event or of a pipeline"),
                )
                .arg(
                    Arg::new("json")
                        .long("json")
                        .action(ArgAction::SetTrue)
                        .help("Print it as JSON, in one line; without a name, all that there is"),
                ),
        )
        .subcommand(graph(app))
        .subcommand(
            Command::new("completions")
                .about("Writes the completions of this program for a shell")
                .arg(
                    Arg::new("shell")
                        .value_name("SHELL")
                        .required(true)
                        .value_parser(value_parser!(Shell))
                        .help("The shell"),
                )
                .after_help(format!(
                    "Examples:\n  {name} completions bash > ~/.local/share/bash-completion/completions/{name}\n  {name} completions fish > ~/.config/fish/completions/{name}.fish"
                )),
        );
    #[cfg(feature = "durable")]
    {
        command =
            command.subcommand(crate::runs::command(app)).subcommand(crate::serve::command(app));
    }
    #[cfg(feature = "restate")]
    {
        command = command.subcommand(crate::cluster::work_command(name));
    }
    #[cfg(feature = "schedule")]
    if !app.schedules.is_empty() {
        command = command.subcommand(crate::schedules::command(app));
    }
    if let Some(version) = &app.version {
        command = command.version(version.clone());
    }
    if let Some(about) = &app.about {
        command = command.about(about.clone());
    }
    command
}

fn run(app: &App) -> Command {
    let name = &app.name;
    let example = app.pipelines.first().map_or("PIPELINE", |entry| entry.name);
    let command = Command::new("run")
        .about("Runs a pipeline and shows what became of each step")
        .long_about(RUN)
        .arg(pipeline(app))
        .arg(
            file("input", "FILE", "Read the fields from this JSON file; `-` is the standard input")
                .short('i'),
        )
        .arg(
            Arg::new("set")
                .long("set")
                .short('s')
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .value_parser(ValueParser::new(parse_set))
                .help("Set one field: to JSON, or else to the text as it is"),
        )
        .arg(file("flow", "FILE", "Run this flow over the same fields instead"))
        .arg(
            Arg::new("json")
                .long("json")
                .value_name("WHAT")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("report")
                .value_parser(["report", "events"])
                .help("Print the report as JSON, in one line; with `--json=events`, what happens as it happens, each thing in a line, and the report last"),
        )
        .arg(
            Arg::new("quiet")
                .long("quiet")
                .short('q')
                .action(ArgAction::SetTrue)
                .help("Show no progress, and of the report only what the flow yielded, or why it did not succeed"),
        )
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("TIME")
                .value_parser(ValueParser::new(parse_duration))
                .help("End the run after this long: 30s, 5m, 1h30m"),
        )
        .arg(
            Arg::new("progress")
                .long("progress")
                .value_name("WHEN")
                .value_parser(["auto", "never"])
                .default_value("auto")
                .help("Show what is running: a line for each task at the bottom of a terminal; now and then a plain line elsewhere, in CI and with `NO_COLOR`"),
        )
        .arg(file("graph", "FILE", "Draw the finished run into this file: .svg, .mmd, .dot or .txt"))
        .arg(file("report", "FILE", "Write a page about the finished run into this file: its picture, a timeline and the errors, as one file of HTML"))
        .after_help(format!(
            "Examples:
  {name} run {example} --input input.json
  {name} run {example} --input - --json < input.json
  {name} run {example} --set name=value --timeout 30s
  {name} run {example} --input input.json --flow other.pty --graph run.svg
  {name} run {example} --input input.json --report run.html

{EXIT_CODES}"
        ));
    #[cfg(feature = "durable")]
    let command = command.arg(run_key()).arg(crate::runs::store());
    #[cfg(feature = "restate")]
    let command = crate::cluster::arguments(command, false);
    command
}

#[cfg(feature = "durable")]
fn run_key() -> Arg {
    Arg::new("key")
        .long("key")
        .value_name("KEY")
        .conflicts_with("flow")
        .help("Make the run durable under this key: there is one run of a key, and whatever ends the program, it can go on")
}

fn graph(app: &App) -> Command {
    Command::new("graph")
        .about("Draws the flow of a pipeline")
        .arg(pipeline(app))
        .arg(
            Arg::new("format")
                .long("format")
                .short('f')
                .value_name("FORMAT")
                .value_parser(picture_format())
                .help("How to draw it; by the ending of `--output`, or else text"),
        )
        .arg(file("output", "FILE", "Write to this file").short('o'))
        .arg(file("flow", "FILE", "Draw this flow over the same fields instead"))
        .arg(
            Arg::new("full")
                .long("full")
                .action(ArgAction::SetTrue)
                .help("Draw every step of a large flow"),
        )
}

fn picture_format() -> impl TypedValueParser<Value = PictureFormat> {
    let value = |format: PictureFormat| PossibleValue::new(format.name()).help(format.about());
    let names = PossibleValuesParser::new(PictureFormat::ALL.map(value));
    names.try_map(|name| name.parse::<PictureFormat>())
}

fn pipeline(app: &App) -> Arg {
    let names: Vec<&'static str> = app.pipelines.iter().map(|entry| entry.name).collect();
    Arg::new("pipeline")
        .value_name("PIPELINE")
        .required(true)
        .value_parser(PossibleValuesParser::new(names))
        .help("The pipeline")
}

fn file(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(value_parser!(PathBuf)).help(help)
}

fn parse_set(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write `name=value`".to_owned()),
    }
}

pub(crate) fn completions(app: &App, args: &ArgMatches) -> String {
    let mut out = Vec::new();
    if let Some(shell) = args.get_one::<Shell>("shell") {
        clap_complete::generate(*shell, &mut command(app), &app.name, &mut out);
    }
    String::from_utf8_lossy(&out).into_owned()
}
