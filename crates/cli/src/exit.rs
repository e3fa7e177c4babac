//! The exit status of a command, and the error that stops it.

use std::fmt;
use std::process::ExitCode;

/// What the exit code says. Of several scripts, the greatest status counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ExitStatus {
    /// 0: the command has succeeded.
    Success,
    /// 1: a script has mistakes, or is not laid out as it should be.
    Mistakes,
    /// 2: the command was not understood, or a file could not be read or written.
    Failure,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Success => 0,
            ExitStatus::Mistakes => 1,
            ExitStatus::Failure => 2,
        })
    }
}

/// What went wrong and what to do, in one line.
#[derive(Debug)]
pub(crate) struct Error(String);

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
