//! Files that change as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

/// Gives a file another text: a new file is written beside it and takes its place. A link keeps
/// its place and its target changes; permissions stay.
///
/// # Errors
/// If the file is read-only or no regular file, or the new one cannot be written. The file is then
/// as it was.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let path = path.canonicalize()?;
    let there = fs::metadata(&path)?;
    if !there.is_file() {
        return Err(Error::other("it is no regular file"));
    }
    if there.permissions().readonly() {
        return Err(Error::new(ErrorKind::PermissionDenied, "it is read-only"));
    }
    let (mut file, beside) = create_beside(&path)?;
    let done = file
        .write_all(text.as_bytes())
        .and_then(|()| file.set_permissions(there.permissions()))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, &path));
    if done.is_err() {
        let _ = fs::remove_file(&beside);
    }
    done
}

/// A new file in the same directory, hidden and with another extension, so that nobody takes it for
/// a script.
fn create_beside(path: &Path) -> Result<(File, PathBuf)> {
    let name = path.file_name().unwrap_or_default().display();
    for attempt in 0..100 {
        let process = std::process::id();
        let beside = path.with_file_name(format!(".{name}.{process}-{attempt}.new"));
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            file => return Ok((file?, beside)),
        }
    }
    Err(Error::other("there are too many unfinished files beside it"))
}
