//! How a command ended, and why it could not do its work.

use std::fmt;
use std::process::ExitCode;

/// What the exit code says. Of several, the greatest wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// 0: all is well.
    Fine,
    /// 1: a script has mistakes, or is not laid out as it should be.
    Mistakes,
    /// 2: the command was not understood, or a file could not be read or written.
    Trouble,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(match verdict {
            Verdict::Fine => 0,
            Verdict::Mistakes => 1,
            Verdict::Trouble => 2,
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
