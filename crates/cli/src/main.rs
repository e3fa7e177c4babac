//! The command `nexus`: checks, formats and draws Pointy scripts, explains their mistakes, and
//! starts projects. It knows the language alone; what needs events is in the user's own binary.

mod args;
mod atomic_write;
mod check;
mod exit;
mod explain;
mod format;
mod graph;
mod new;
mod source;
mod terminal;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use exit::{ExitStatus, Result};
use terminal::{Stdout, eprint_line};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help for a reader that has gone away, such as `head`, is no error.
            let _ = error.print();
            return if error.use_stderr() { ExitStatus::Failure } else { ExitStatus::Success }
                .into();
        }
    };
    run(&cli)
        .unwrap_or_else(|error| {
            eprint_line(&format!("error: {error}"));
            ExitStatus::Failure
        })
        .into()
}

fn run(cli: &Cli) -> Result<ExitStatus> {
    match &cli.command {
        Command::Check(args) => check::run(args, cli.color),
        Command::Fmt(args) => format::run(args, cli.color),
        Command::Graph(args) => graph::run(args, cli.color),
        Command::Explain(args) => explain::run(args, cli.color),
        Command::New(args) => new::run(args),
        Command::Completions(args) => completions(args.shell),
    }
}

fn completions(shell: clap_complete::Shell) -> Result<ExitStatus> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nexus", &mut script);
    let mut out = Stdout::new();
    out.write(&String::from_utf8_lossy(&script))?;
    out.finish()?;
    Ok(ExitStatus::Success)
}
