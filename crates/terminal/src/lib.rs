//! What the command lines of nexus know of terminals: whether to colour, how wide they are, and that
//! a reader who goes away is no error.
#![forbid(unsafe_code)]

use std::io::{BufWriter, ErrorKind, Result, StdoutLock, Write, stderr, stdout};

pub use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether a stream takes colours: it is a terminal that has them, and the user has not turned them
/// off with `NO_COLOR`. `CLICOLOR` and `CLICOLOR_FORCE` count too, as for the help of a command.
#[must_use]
pub fn is_colored(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}

/// The columns of the terminal that shows standard output; `None` for a file or a pipe.
#[must_use]
pub fn columns() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(stdout())?;
    Some(usize::from(width.0))
}

/// The columns and rows of the terminal that shows standard error; `None` for a file or a pipe, and
/// where the terminal does not say.
#[must_use]
pub fn size_of_stderr() -> Option<(usize, usize)> {
    let (width, height) = terminal_size::terminal_size_of(stderr())?;
    Some((usize::from(width.0), usize::from(height.0)))
}

/// How many columns a text takes.
#[must_use]
pub fn columns_of(text: &str) -> usize {
    text.width()
}

/// A text of at most so many columns; a longer one ends with `…`.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut left = width.saturating_sub(1);
    for character in text.chars() {
        let Some(rest) = left.checked_sub(character.width().unwrap_or(0)) else { break };
        left = rest;
        kept.push(character);
    }
    kept.push('…');
    kept
}

/// Standard output. A reader that goes away early, such as `head`, is no error.
#[derive(Debug)]
pub struct Stdout {
    stream: BufWriter<StdoutLock<'static>>,
    is_closed: bool,
}

impl Stdout {
    /// Nobody else can write to standard output as long as there is one.
    #[must_use]
    pub fn new() -> Self {
        Self { stream: BufWriter::new(stdout().lock()), is_closed: false }
    }

    /// Writes a text, at the latest with [`flush`](Self::flush).
    ///
    /// # Errors
    /// If it cannot be written. That the reader has gone away is no error.
    pub fn write(&mut self, text: &str) -> Result<()> {
        self.ignoring_closed_pipe(|stream| stream.write_all(text.as_bytes()))
    }

    /// Writes what is buffered, so that it comes before the next line on standard error.
    ///
    /// # Errors
    /// If it cannot be written. That the reader has gone away is no error.
    pub fn flush(&mut self) -> Result<()> {
        self.ignoring_closed_pipe(Write::flush)
    }

    /// Writes, and treats a closed pipe as the end of the output.
    fn ignoring_closed_pipe(
        &mut self,
        write: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> Result<()>,
    ) -> Result<()> {
        if self.is_closed {
            return Ok(());
        }
        match write(&mut self.stream) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            written => written,
        }
    }
}

impl Default for Stdout {
    fn default() -> Self {
        Self::new()
    }
}
