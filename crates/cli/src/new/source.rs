//! Where a new project finds nexus.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::args::New;
use crate::exit::{Error, Result};

/// Where the new project's dependency on nexus comes from, checked.
#[derive(Debug)]
pub(super) enum Source {
    Git(String),
    Checkout {
        /// The absolute path.
        path: PathBuf,
        /// Whether the path was given as a relative one. Then the dependency's path is relative
        /// too, so that both directories may be moved together.
        is_relative: bool,
    },
}

impl Source {
    pub(super) fn of(args: &New) -> Result<Self> {
        match (&args.nexus_path, &args.nexus_git) {
            (Some(path), _) => checkout(path),
            (None, Some(url)) => Ok(Self::Git(url.clone())),
            (None, None) => Err(Error::new(
                "nexus is not on crates.io; say where it is: `--nexus-path` with a checkout, or `--nexus-git` with the address of a repository",
            )),
        }
    }

    /// The value of `nexus` in the dependencies of a project in this directory.
    pub(super) fn dependency(&self, folder: &Path) -> String {
        match self {
            Self::Git(url) => format!("{{ git = {} }}", toml_string(url)),
            Self::Checkout { path, is_relative } => {
                let folder = folder.canonicalize().ok().filter(|_| *is_relative);
                let path =
                    folder.and_then(|it| relative_path(&it, path)).unwrap_or_else(|| path.clone());
                format!("{{ path = {} }}", toml_string(&path.display().to_string()))
            }
        }
    }
}

fn checkout(path: &Path) -> Result<Source> {
    let shown = path.display();
    let refused = |why: &str| {
        Error::new(format!(
            "`{shown}` is no checkout of nexus: {why}; name the one that has src/ and nexus-core/"
        ))
    };
    let manifest = fs::read_to_string(path.join("Cargo.toml"))
        .map_err(|error| refused(&format!("its Cargo.toml cannot be read, {error}")))?;
    if !manifest.lines().any(|line| line.trim() == r#"name = "nexus""#) {
        return Err(refused("its Cargo.toml has another package"));
    }
    let is_relative = path.is_relative();
    let path = path.canonicalize().map_err(|error| refused(&error.to_string()))?;
    Ok(Source::Checkout { path, is_relative })
}

/// The relative path from one directory to another, both absolute. `None` if they share no root.
fn relative_path(from: &Path, to: &Path) -> Option<PathBuf> {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return None;
    }
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(shared)).collect();
    // Cargo reads `/` on every system.
    Some(path.to_str().map_or(path.clone(), |it| it.replace('\\', "/").into()))
}

/// As a string of TOML.
fn toml_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.extend(format!("\\u{:04X}", u32::from(c)).chars()),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_between_directories() {
        for (from, to, path) in [
            ("/home/me/shop", "/home/me/nexus", "../nexus"),
            ("/home/me/work/shop", "/home/me/nexus", "../../nexus"),
            ("/home/me/nexus/shop", "/home/me/nexus", ".."),
            ("/shop", "/home/me/nexus", "../home/me/nexus"),
        ] {
            assert_eq!(relative_path(Path::new(from), Path::new(to)), Some(path.into()), "{from}");
        }
        assert_eq!(relative_path(Path::new("shop"), Path::new("/nexus")), None);
    }

    #[test]
    fn texts_in_toml() {
        assert_eq!(toml_string("C:\\my \"nexus\"\n"), r#""C:\\my \"nexus\"\u000A""#);
    }
}
