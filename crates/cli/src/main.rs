//! The command `nexus`: checks, formats and draws Pointy scripts, explains their mistakes, and
//! starts projects. It knows the language alone; what needs events is in the user's own binary.

mod args;
mod check;
mod explain;
mod format;
mod graph;
mod new;
mod replace;
mod source;
mod terminal;
mod verdict;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use terminal::{Out, say};
use verdict::{Result, Verdict};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help for a reader that has gone away, such as `head`, is no error.
            let _ = error.print();
            return if error.use_stderr() { Verdict::Trouble } else { Verdict::Fine }.into();
        }
    };
    run(&cli)
        .unwrap_or_else(|error| {
            say(&format!("error: {error}"));
            Verdict::Trouble
        })
        .into()
}

fn run(cli: &Cli) -> Result<Verdict> {
    match &cli.command {
        Command::Check(args) => check::run(args, cli.color),
        Command::Fmt(args) => format::run(args, cli.color),
        Command::Graph(args) => graph::run(args, cli.color),
        Command::Explain(args) => explain::run(args, cli.color),
        Command::New(args) => new::run(args),
        Command::Completions(args) => completions(args.shell),
    }
}

fn completions(shell: clap_complete::Shell) -> Result<Verdict> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nexus", &mut script);
    let mut out = Out::new();
    out.write(&String::from_utf8_lossy(&script))?;
    out.finish()?;
    Ok(Verdict::Fine)
}
