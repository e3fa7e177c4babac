//! Pictures that live in the repository.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use crate::Picture;

pub(crate) fn keep(picture: &Picture, path: &Path) -> Result<()> {
    let shown = path.display();
    let drawn = match path.extension().and_then(|it| it.to_str()) {
        Some("svg") => picture.svg(),
        Some("mmd") => picture.mermaid(),
        Some("dot" | "gv") => picture.dot(),
        Some("txt") => picture.text(),
        _ => {
            let message = format!("{shown} should end with .svg, .mmd, .dot, .gv or .txt");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
    };
    let there = match fs::read_to_string(path) {
        // Git may have changed the line ends.
        Ok(text) => Some(text.replace("\r\n", "\n")),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(named(path, &error)),
    };
    let state = match there {
        Some(text) if text == drawn => return Ok(()),
        Some(_) => "showed another flow",
        None => "was missing",
    };
    if std::env::var_os("CI").is_some() {
        let message = format!("{shown} {state}; run this test locally and commit the file");
        return Err(Error::other(message));
    }
    fs::write(path, drawn).map_err(|error| named(path, &error))?;
    Err(Error::other(format!("{shown} {state}; it was written, look at it and commit it")))
}

fn named(path: &Path, error: &Error) -> Error {
    Error::new(error.kind(), format!("{}: {error}", path.display()))
}
