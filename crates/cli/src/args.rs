//! What can be said on the command line, and the help that teaches it.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use nexus_picture::Format;

use crate::terminal::Color;

const EXAMPLES: &str = "\
Examples:
  nexus check flows/                 every mistake of every *.pty below flows/
  nexus fmt flows/order.pty          lays the script out, in place
  nexus graph flows/order.pty        draws it in the terminal
  nexus explain P0010                what a mistake means, and its cure
  nexus new shop --nexus-path nexus  a project to start from

Exit codes:
  0  all is well
  1  a script has mistakes, or `fmt --check` found one that is not laid out
  2  the command was not understood, or a file cannot be read or written";

/// Checks, formats and draws Pointy scripts: the flows of nexus pipelines.
#[derive(Debug, Parser)]
#[command(name = "nexus", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// When to colour
    #[arg(long, value_enum, global = true, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(Check),
    Fmt(Fmt),
    Graph(Graph),
    Explain(Explain),
    New(New),
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Scripts {
    /// Scripts, directories that are searched for *.pty, or `-` for standard input
    #[arg(required = true, value_name = "FILE|DIR|-", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) stdin: Stdin,
}

#[derive(Debug, Args)]
pub(crate) struct Stdin {
    /// What messages call standard input, for example the file that an editor shows
    #[arg(long = "stdin-name", value_name = "NAME", default_value = "<stdin>")]
    pub(crate) name: String,
}

/// Shows every mistake of every script.
///
/// Everything is checked that can be told without the events that a script names: its syntax and
/// its settings. Mistakes go to standard output, a summary to standard error. A directory is
/// searched with all below it, without what is hidden and without cargo's target directories.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nexus check order.pty
  nexus check --fix flows/           corrects what it can, in place
  nexus check flows/ --message-format json | jq .message
  cat order.pty | nexus check - --stdin-name order.pty

Exit codes:
  0  no mistakes; with --fix, none are left
  1  mistakes
  2  the command was not understood, or a file cannot be read or written")]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) scripts: Scripts,

    /// How mistakes are written
    #[arg(long, value_enum, default_value_t = MessageFormat::Human, value_name = "FORMAT")]
    pub(crate) message_format: MessageFormat,

    /// Corrects the mistakes of which it is clear what was meant, such as a wrong arrow or a
    /// misspelt setting, in place; shows the others
    #[arg(long)]
    pub(crate) fix: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MessageFormat {
    /// With the lines of the script, for people
    Human,
    /// One JSON object a line, one line a mistake, for programs
    Json,
    /// One line a mistake, with its place, for editors
    Short,
}

/// Lays scripts out in the one canonical way.
///
/// Files are changed in place, each as a whole or not at all; the flow and the comments stay. A
/// script with mistakes is left as it is, and they are shown. `-` is laid out to standard output.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nexus fmt flows/
  nexus fmt --check flows/       in CI: changes nothing, shows what would change
  nexus fmt - < order.pty        in an editor

Exit codes:
  0  all scripts are laid out
  1  a script has mistakes; with --check, also: a script is not laid out
  2  the command was not understood, or a file cannot be read or written")]
pub(crate) struct Fmt {
    #[command(flatten)]
    pub(crate) scripts: Scripts,

    /// Changes nothing; lists the scripts that would change, with the difference
    #[arg(long)]
    pub(crate) check: bool,
}

/// Draws a script.
///
/// In larger flows long runs of steps, wide groups and deep brackets become one box, unless
/// `--full` is given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nexus graph order.pty
  nexus graph order.pty -o order.svg
  nexus graph order.pty -o order.mmd         Mermaid, which Markdown shows in many places

Exit codes:
  0  drawn
  1  the script has mistakes, which are shown
  2  the command was not understood, or a file cannot be read or written")]
pub(crate) struct Graph {
    /// A script, or `-` for standard input
    #[arg(value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub(crate) path: PathBuf,

    /// What to draw; else the extension of the output file says it (.svg, .mmd, .dot, .gv, .txt),
    /// and without one it is text
    #[arg(long, value_parser = picture_format(), value_name = "FORMAT")]
    pub(crate) format: Option<Format>,

    /// Writes the picture into a file
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// What stands above the picture; else the name of the file
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,

    /// Draws every step, however many there are
    #[arg(long)]
    pub(crate) full: bool,

    #[command(flatten)]
    pub(crate) stdin: Stdin,
}

fn picture_format() -> impl TypedValueParser<Value = Format> {
    let value = |format: Format| PossibleValue::new(format.name()).help(format.about());
    PossibleValuesParser::new(Format::ALL.map(value)).try_map(|name| name.parse::<Format>())
}

/// Explains the code of a mistake.
///
/// Without a code, lists all of them. Codes that start with P are about a script alone, those that
/// start with N about a script and its events.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nexus explain P0010
  nexus explain")]
pub(crate) struct Explain {
    /// What stands in the brackets of `error[..]`
    pub(crate) code: Option<String>,
}

/// Makes a project to start from.
///
/// It has a pipeline of three events whose flow is a script, and tests with a mock; it builds, runs
/// and passes its tests. nexus is not on crates.io, so say where it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nexus new shop --nexus-path ../nexus
  nexus new work/shop --nexus-git https://example.com/nexus.git

Exit codes:
  0  made
  2  the command was not understood, the name is no package name, the directory is not empty, or a
     file cannot be written")]
pub(crate) struct New {
    /// The directory to make; its last part is the name of the package
    #[arg(value_name = "NAME", value_hint = ValueHint::DirPath)]
    pub(crate) path: PathBuf,

    /// A checkout of nexus
    #[arg(long, value_name = "PATH", value_hint = ValueHint::DirPath, conflicts_with = "nexus_git")]
    pub(crate) nexus_path: Option<PathBuf>,

    /// A git repository of nexus
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) nexus_git: Option<String>,
}

/// Writes a script that completes `nexus` commands in a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nexus completions bash > ~/.local/share/bash-completion/completions/nexus
  nexus completions zsh > ~/.zfunc/_nexus
  nexus completions fish > ~/.config/fish/completions/nexus.fish")]
pub(crate) struct Completions {
    pub(crate) shell: clap_complete::Shell,
}
