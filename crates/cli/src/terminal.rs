//! What is written to the terminal, and in which colours.

use std::io::{Write, stderr, stdout};

use clap::ValueEnum;
use nexus_pointy::visible;
use nexus_terminal::RawStream;
pub(crate) use nexus_terminal::columns;

use crate::exit::{Error, Result};

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless the environment variable `NO_COLOR` is set
    Auto,
    /// Always, for example for a pager
    Always,
    /// Never
    Never,
}

impl Color {
    /// Whether to colour what goes to standard output.
    pub(crate) fn on_stdout(self) -> bool {
        self.on(&stdout())
    }

    /// Whether to colour what goes to standard error.
    pub(crate) fn on_stderr(self) -> bool {
        self.on(&stderr())
    }

    fn on(self, stream: &impl RawStream) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => nexus_terminal::is_colored(stream),
        }
    }
}

/// Standard output, with the errors of commands.
pub(crate) struct Stdout(nexus_terminal::Stdout);

impl Stdout {
    pub(crate) fn new() -> Self {
        Self(nexus_terminal::Stdout::new())
    }

    pub(crate) fn write(&mut self, text: &str) -> Result<()> {
        self.0.write(text).map_err(|error| write_error(&error))
    }

    /// Writes what is buffered, so that it comes before the next line on standard error.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.0.flush().map_err(|error| write_error(&error))
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()
    }
}

fn write_error(error: &std::io::Error) -> Error {
    Error::new(format!("cannot write the output: {error}"))
}

/// Prints a line on standard error. If that fails, the failure could not be reported either.
pub(crate) fn eprint_line(line: &str) {
    let _ = writeln!(stderr(), "{}", visible(line).indented(2));
}

/// As [`eprint_line`], for text that ends its own lines.
pub(crate) fn eprint_text(text: &str) {
    let _ = stderr().write_all(text.as_bytes());
}
