//! Pictures in files of the repository, kept up to date by a test.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use crate::format::Format;
use crate::picture::Picture;

impl Picture {
    /// Compares the picture with the file, and rewrites the file if it differs: in a test, it
    /// keeps a picture in the repository up to date. The file's ending decides the
    /// [format](Format::of_path).
    ///
    /// # Errors
    ///
    /// If the file was missing or showed something else, so that the test fails once and the new
    /// picture is looked at and committed; where the environment variable `CI` is set, the file is
    /// left as it is. Also if the file cannot be read or written, or has no such extension.
    pub fn keep_in(&self, path: impl AsRef<Path>) -> Result<()> {
        check_snapshot(self, path.as_ref(), std::env::var_os("CI").is_none())
    }
}

/// Rewrites the file if it shows something else and `may_write`; fails unless it was up to date.
fn check_snapshot(picture: &Picture, path: &Path, may_write: bool) -> Result<()> {
    let shown = path.display();
    let format = Format::of_path(path).map_err(|it| Error::new(ErrorKind::InvalidInput, it))?;
    let drawn = picture.draw(format);
    let named = |error: Error| Error::new(error.kind(), format!("{shown}: {error}"));
    let state = match fs::read_to_string(path) {
        // Git may have changed the line ends.
        Ok(there) if there.replace("\r\n", "\n") == drawn => return Ok(()),
        Ok(_) => "shows something else",
        Err(error) if error.kind() == ErrorKind::NotFound => "is missing",
        Err(error) => return Err(named(error)),
    };
    if !may_write {
        let message = format!("{shown} {state}; run this test on your machine, commit the file");
        return Err(Error::other(message));
    }
    fs::write(path, drawn).map_err(named)?;
    Err(Error::other(format!("{shown} {state}: it was written now; look at it and commit it")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    fn picture(script: &str) -> Picture {
        Picture::of(&nexus_pointy::parse(script).into_result().unwrap())
    }

    #[test]
    fn a_file_is_written_once_and_fails_the_test_that_once() {
        let folder = std::env::temp_dir().join(format!("nexus-picture-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for extension in ["svg", "mmd", "dot", "gv", "txt"] {
            let path = folder.join("flow").with_extension(extension);
            let missing = check_snapshot(&picture("a"), &path, false).unwrap_err().to_string();
            assert!(missing.contains("is missing; run this test on your machine"), "{missing}");
            assert!(!path.exists());

            let written = check_snapshot(&picture("a"), &path, true).unwrap_err().to_string();
            assert!(written.contains("is missing: it was written now"), "{written}");
            check_snapshot(&picture("a"), &path, false).unwrap();
            let windows = fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
            fs::write(&path, windows).unwrap();
            check_snapshot(&picture("a"), &path, false).unwrap();

            let stale = check_snapshot(&picture("b"), &path, false).unwrap_err().to_string();
            assert!(stale.contains("shows something else; run"), "{stale}");
            check_snapshot(&picture("b"), &path, true).unwrap_err();
            check_snapshot(&picture("b"), &path, true).unwrap();
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_cannot_be_kept_is_named() {
        let error = check_snapshot(&picture("a"), Path::new("flow.png"), true).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`flow.png` ends with none of .svg, .mmd, .dot, .gv and .txt"
        );
        let error =
            check_snapshot(&picture("a"), Path::new("/no/such/folder/flow.svg"), true).unwrap_err();
        assert!(error.to_string().starts_with("/no/such/folder/flow.svg: "), "{error}");
    }
}
