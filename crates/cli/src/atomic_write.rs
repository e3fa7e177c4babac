//! Files that change as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

/// Replaces the text of a file: a new file is written beside it and renamed over it. If the path is
/// a link, the link stays and its target changes. Permissions stay.
///
/// # Errors
/// If the file is read-only or no regular file, or the new one cannot be written. The file is then
/// as it was.
pub(crate) fn write_atomically(path: &Path, text: &str) -> Result<()> {
    let path = path.canonicalize()?;
    let metadata = fs::metadata(&path)?;
    if !metadata.is_file() {
        return Err(Error::other("it is no regular file"));
    }
    if metadata.permissions().readonly() {
        return Err(Error::new(ErrorKind::PermissionDenied, "it is read-only"));
    }
    let (mut file, temporary) = create_temporary(&path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.set_permissions(metadata.permissions()))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// A new file in the same directory, hidden and with another extension, so that it is not taken for
/// a script.
fn create_temporary(path: &Path) -> Result<(File, PathBuf)> {
    let name = path.file_name().unwrap_or_default().display();
    for attempt in 0..100 {
        let process = std::process::id();
        let temporary = path.with_file_name(format!(".{name}.{process}-{attempt}.new"));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            file => return Ok((file?, temporary)),
        }
    }
    Err(Error::other("there are too many unfinished files beside it"))
}
