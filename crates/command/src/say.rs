//! What the program prints, and how it ends.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use nexus_pointy::visible;

/// How the program ends; the numbers are those of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Success = 0,
    Failed = 1,
    Usage = 2,
    TimedOut = 3,
    Cancelled = 130,
}

/// Why it ends early.
#[derive(Debug)]
pub(crate) struct Stop {
    exit: Exit,
    /// Each is one error; with the lines of a script it has its own heading.
    errors: Vec<Complaint>,
}

/// An error that the user sees.
#[derive(Debug)]
pub(crate) enum Complaint {
    Text(String),
    Flow(nexus_core::Error),
}

impl Stop {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, errors: vec![Complaint::Text(message.into())] }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn all(errors: Vec<Complaint>) -> Self {
        Self { exit: Exit::Usage, errors }
    }

    /// Prints the errors.
    pub(crate) fn say(self) -> Exit {
        for error in self.errors {
            match error {
                Complaint::Flow(nexus_core::Error::Flow(mistakes)) => {
                    write_error(format_args!("{}", mistakes.render(colored(&io::stderr()))));
                }
                Complaint::Flow(error) => complain(&error.to_string()),
                Complaint::Text(text) => complain(&text),
            }
        }
        self.exit
    }
}

/// Whether a stream takes colours: it is a terminal, and the user has not turned them off.
pub(crate) fn colored(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stream.is_terminal()
        && !set("NO_COLOR")
        && std::env::var_os("TERM").is_none_or(|it| it != "dumb")
}

/// `error: ..`, on the standard error.
pub(crate) fn complain(message: &str) {
    let (bold, plain) = if colored(&io::stderr()) { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    write_error(format_args!("{bold}error{plain}: {}", visible(message).indented(2)));
}

/// A line on the standard error.
pub(crate) fn warn(line: &str) {
    write_error(format_args!("{}", visible(line).indented(2)));
}

fn write_error(line: fmt::Arguments<'_>) {
    // If there is nobody to read it, there is nobody to tell either.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints what was asked for on the standard output.
pub(crate) fn print(text: &str) -> Result<Exit, Stop> {
    let mut out = io::stdout().lock();
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{newline}").and_then(|()| out.flush()) {
        Ok(()) => Ok(Exit::Success),
        // Whoever reads has seen enough: `| head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Success),
        Err(error) => Err(Stop::new(Exit::Failed, format!("cannot write the output: {error}"))),
    }
}
