//! The scripts that a command line names.

use std::collections::HashSet;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use nexus_pointy::suggest::nearest;

use crate::exit::{Error, Result};

/// Where a script is read from.
#[derive(Debug)]
pub(crate) enum Input {
    Stdin(String),
    File(PathBuf),
}

/// A script that was read.
#[derive(Debug)]
pub(crate) struct Source {
    /// What messages call it.
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Input {
    pub(crate) fn new(path: &Path, stdin_name: &str) -> Self {
        if path == Path::new("-") {
            Self::Stdin(stdin_name.to_owned())
        } else {
            Self::File(path.to_owned())
        }
    }

    pub(crate) fn read(&self) -> Result<Source> {
        let (name, bytes) = match self {
            Self::Stdin(name) => {
                let mut bytes = Vec::new();
                let read = std::io::stdin().lock().read_to_end(&mut bytes);
                (name.clone(), read.map(|_| bytes))
            }
            Self::File(path) => (path.display().to_string(), fs::read(path)),
        };
        let bytes = bytes.map_err(|error| read_error(self, &name, &error))?;
        let text = String::from_utf8(bytes).map_err(|error| utf8_error(&name, &error))?;
        Ok(Source { name, text })
    }
}

/// The scripts in these files and directories, in this order, each once; those of a directory in
/// the order of their names.
pub(crate) fn find_scripts(paths: &[PathBuf], stdin_name: &str) -> Vec<Result<Input>> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            search(path, &mut found);
            if found.len() == before {
                let path = path.display();
                found.push(Err(Error::new(format!(
                    "there is no *.pty in `{path}`; name another directory, or a script"
                ))));
            }
        } else {
            found.push(Ok(Input::new(path, stdin_name)));
        }
    }
    found.retain(|input| match input {
        Ok(Input::File(path)) => seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())),
        Ok(Input::Stdin(_)) => seen.insert(PathBuf::from("-")),
        Err(_) => true,
    });
    found
}

/// Adds the scripts below a directory. It skips hidden directories, links, and directories that are
/// tagged as a cache, as cargo's target directories are.
fn search(top: &Path, found: &mut Vec<Result<Input>>) {
    let mut directories = vec![top.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory).and_then(|it| {
            it.map(|entry| entry.and_then(|it| Ok((it.file_type()?, it.path()))))
                .collect::<std::io::Result<Vec<_>>>()
        });
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let name = directory.display();
                found.push(Err(Error::new(format!("cannot search `{name}`: {error}"))));
                continue;
            }
        };
        entries.sort_by(|(_, a), (_, b)| a.cmp(b));
        let mut below = Vec::new();
        for (kind, path) in entries {
            let is_hidden =
                path.file_name().is_some_and(|it| it.as_encoded_bytes().starts_with(b"."));
            if is_hidden {
                continue;
            }
            if kind.is_dir() {
                if !path.join("CACHEDIR.TAG").exists() {
                    below.push(path);
                }
            } else if path.extension().is_some_and(|it| it == "pty") && !path.is_dir() {
                found.push(Ok(Input::File(path)));
            }
        }
        directories.extend(below.into_iter().rev());
    }
}

fn read_error(input: &Input, name: &str, error: &std::io::Error) -> Error {
    let Input::File(path) = input else {
        return Error::new(format!("cannot read standard input: {error}"));
    };
    Error::new(match error.kind() {
        ErrorKind::NotFound => match similar_sibling(path) {
            Some(other) => format!("there is no `{name}`; did you mean `{other}`?"),
            None => format!("there is no `{name}`; name a script, a directory, or `-`"),
        },
        ErrorKind::IsADirectory => {
            format!("`{name}` is a directory; name one of the scripts in it")
        }
        ErrorKind::PermissionDenied => format!("may not read `{name}`; look at its permissions"),
        _ => format!("cannot read `{name}`: {error}"),
    })
}

/// The file beside a missing one whose name is nearest.
fn similar_sibling(path: &Path) -> Option<String> {
    let parent = path.parent()?;
    let folder = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let names: Vec<String> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let name = nearest(path.file_name()?.to_str()?, names.iter().map(String::as_str))?;
    Some(parent.join(name).display().to_string())
}

fn utf8_error(name: &str, error: &std::string::FromUtf8Error) -> Error {
    let good = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Error::new(format!("`{name}` is UTF-16; save it as UTF-8"));
    }
    let before = String::from_utf8_lossy(bytes.get(..good).unwrap_or_default());
    let (line, column) = nexus_pointy::line_column(&before, before.len());
    let byte = bytes.get(good).copied().unwrap_or_default();
    Error::new(format!(
        "{name}:{line}:{column}: the byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
    ))
}
