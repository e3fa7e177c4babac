//! What is written to the terminal, and in which colours.

use std::io::{BufWriter, ErrorKind, IsTerminal, StdoutLock, Write, stderr, stdout};

use clap::ValueEnum;
use nexus_pointy::visible;

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

    fn on(self, stream: &impl IsTerminal) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => stream.is_terminal() && !is_disabled_by_environment(),
        }
    }
}

/// Whether the user has turned colours off. By <https://no-color.org>, an empty `NO_COLOR` does not
/// count.
fn is_disabled_by_environment() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty())
        || std::env::var_os("TERM").is_some_and(|it| it == "dumb")
}

/// The columns of the terminal that shows standard output; `None` for a file or a pipe.
pub(crate) fn columns() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(stdout())?;
    Some(usize::from(width.0))
}

/// Standard output. A reader that goes away early, such as `head`, is no error.
pub(crate) struct Stdout {
    stream: BufWriter<StdoutLock<'static>>,
    is_closed: bool,
}

impl Stdout {
    pub(crate) fn new() -> Self {
        Self { stream: BufWriter::new(stdout().lock()), is_closed: false }
    }

    pub(crate) fn write(&mut self, text: &str) -> Result<()> {
        self.ignoring_closed_pipe(|stream| stream.write_all(text.as_bytes()))
    }

    /// Writes what is buffered, so that it comes before the next line on standard error.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.ignoring_closed_pipe(Write::flush)
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()
    }

    /// Writes, and treats a closed pipe as the end of the output rather than as an error.
    fn ignoring_closed_pipe(
        &mut self,
        write: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> std::io::Result<()>,
    ) -> Result<()> {
        if self.is_closed {
            return Ok(());
        }
        match write(&mut self.stream) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            Err(error) => Err(Error::new(format!("cannot write the output: {error}"))),
        }
    }
}

/// Prints a line on standard error. If that fails, the failure could not be reported either.
pub(crate) fn eprint_line(line: &str) {
    let _ = writeln!(stderr(), "{}", visible(line).indented(2));
}

/// As [`eprint_line`], for text that ends its own lines.
pub(crate) fn eprint_text(text: &str) {
    let _ = stderr().write_all(text.as_bytes());
}
