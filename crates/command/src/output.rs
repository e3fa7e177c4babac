//! What the program prints, and how it ends.

use std::fmt;
use std::io::{self, Write};

use nexus_pointy::visible;
use nexus_terminal::{Stdout, is_colored};

/// How the program ends; the numbers are those of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Success = 0,
    Failed = 1,
    Usage = 2,
    TimedOut = 3,
    Cancelled = 130,
}

/// Why the program ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// The errors to print. An error with lines of a script has its own heading.
    errors: Vec<UserError>,
}

/// An error that the user sees.
#[derive(Debug)]
pub(crate) enum UserError {
    Text(String),
    Flow(nexus_core::Error),
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, errors: vec![UserError::Text(message.into())] }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn all(errors: Vec<UserError>) -> Self {
        Self { exit: Exit::Usage, errors }
    }

    /// Prints the errors.
    pub(crate) fn report(self) -> Exit {
        for error in self.errors {
            match error {
                UserError::Flow(nexus_core::Error::Flow(mistakes)) => {
                    write_error(format_args!("{}", mistakes.render(is_colored(&io::stderr()))));
                }
                UserError::Flow(error) => print_error(&error.to_string()),
                UserError::Text(text) => print_error(&text),
            }
        }
        self.exit
    }
}

/// Nexus could not do what it was asked to.
impl From<nexus_core::Error> for Failure {
    fn from(error: nexus_core::Error) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}

/// `error: ..`, on the standard error.
pub(crate) fn print_error(message: &str) {
    let (bold, plain) =
        if is_colored(&io::stderr()) { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    write_error(format_args!("{bold}error{plain}: {}", visible(message).indented(2)));
}

/// A line on the standard error.
pub(crate) fn warn(line: &str) {
    write_error(format_args!("{}", visible(line).indented(2)));
}

fn write_error(line: fmt::Arguments<'_>) {
    // If standard error cannot be written, the failure could not be reported either.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints what was asked for on the standard output.
pub(crate) fn print(text: &str) -> Result<Exit, Failure> {
    let mut out = Stdout::new();
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    match out.write(text).and_then(|()| out.write(newline)).and_then(|()| out.flush()) {
        Ok(()) => Ok(Exit::Success),
        Err(error) => Err(Failure::new(Exit::Failed, format!("cannot write the output: {error}"))),
    }
}
