//! `nexus new`.

mod name;
mod source;

use std::fs;
use std::path::Path;

use source::Source;

use crate::args::New;
use crate::terminal::say;
use crate::verdict::{Error, Result, Verdict};

/// The files of a project: where they go, and what is in them. In the texts, `{{name}}` and
/// `{{nexus}}` stand for the package's name and where nexus is.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../template/Cargo.toml.txt")),
    (".gitignore", include_str!("../template/gitignore.txt")),
    ("README.md", include_str!("../template/README.md")),
    ("flows/order.pty", include_str!("../template/flows/order.pty")),
    ("src/main.rs", include_str!("../template/src/main.rs")),
    ("src/tests.rs", include_str!("../template/src/tests.rs")),
];

/// Ends the `Cargo.toml` of a project inside of somebody's workspace, which it would not build in.
const ALONE: &str = "\n# A directory above is a workspace. To make this its member, delete the next line.\n[workspace]\n";

pub(crate) fn run(args: &New) -> Result<Verdict> {
    let folder = &args.path;
    let name = name::of(folder)?;
    let shown = folder.display();
    refuse_what_is_there(folder)?;
    let source = Source::of(args)?;
    fs::create_dir_all(folder)
        .map_err(|error| Error::new(format!("cannot make the directory `{shown}`: {error}")))?;
    let nexus = source.dependency(folder);
    let alone = if is_below_a_workspace(folder) { ALONE } else { "" };
    for (path, text) in FILES {
        let mut text = text.replace("{{name}}", name).replace("{{nexus}}", &nexus);
        if *path == "Cargo.toml" {
            text.push_str(alone);
        }
        write(&folder.join(path), &text)?;
    }
    say(&format!("made the project `{name}`; now: cd {shown} && cargo test && cargo run -- mug"));
    Ok(Verdict::Fine)
}

fn refuse_what_is_there(folder: &Path) -> Result<()> {
    let shown = folder.display();
    if folder.is_dir() {
        let mut entries = fs::read_dir(folder)
            .map_err(|error| Error::new(format!("cannot look into `{shown}`: {error}")))?;
        if entries.next().is_some() {
            return Err(Error::new(format!(
                "the directory `{shown}` is not empty; take another name, or empty it"
            )));
        }
    } else if folder.symlink_metadata().is_ok() {
        return Err(Error::new(format!("`{shown}` is there and no directory; take another name")));
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text))
        .map_err(|error| Error::new(format!("cannot write `{}`: {error}", path.display())))
}

fn is_below_a_workspace(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    folder.ancestors().skip(1).any(|above| {
        let manifest = fs::read_to_string(above.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line.trim().starts_with("[workspace"))
    })
}
