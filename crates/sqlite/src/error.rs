//! What went wrong, as users are told: with what they can do about it.

use std::fmt;

use nexus_core::journal::StoreError;
use rusqlite::ErrorCode;

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// It does not fit what the store has. Nothing was changed, and others may be.
    Refused(String),
    /// SQLite could not make it.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Why something could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// It is there, and is not what was written.
    Damaged(String),
    /// SQLite could not read it.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Whether SQLite found the structure of the file to be broken.
pub(crate) fn is_corrupt(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// An error of SQLite with what to do about it.
#[derive(Debug)]
struct Explained {
    error: rusqlite::Error,
    hint: &'static str,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.error, self.hint)
    }
}

impl std::error::Error for Explained {}

/// The error for users: what was tried, what SQLite said, what to do.
pub(crate) fn explained(what: String, error: rusqlite::Error) -> StoreError {
    let hint = hint(&error);
    StoreError::io(what, Explained { error, hint })
}

fn hint(error: &rusqlite::Error) -> &'static str {
    if error.sqlite_extended_error_code() == Some(rusqlite::ffi::SQLITE_READONLY_DIRECTORY) {
        return ". Its folder is write-protected, and SQLite makes files of its own in it, even to \
                read: give this user the right to write in it, or copy the store elsewhere";
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            ". Make room on the disk and start the program again: every run goes on from its last \
             safe record"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ". Another program keeps it locked, perhaps a database client in a transaction: end \
             that and start this program again"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            ". The file or its folder is write-protected: give this user the right to write to \
             both, or open the store with `SqliteStore::read_only`"
        }
        Some(ErrorCode::CannotOpen) => {
            ". Is its folder there, and may this user read and write in it?"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            ". The file is damaged: go back to a backup, or save what can be read with the command \
             `.recover` of the program sqlite3"
        }
        Some(ErrorCode::SystemIoFailure) => {
            ". The disk or its file system failed, or a limit to the size of files was reached: \
             see to that and start the program again, and every run goes on from its last safe \
             record"
        }
        _ => "",
    }
}
