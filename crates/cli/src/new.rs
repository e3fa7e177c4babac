//! `nexus new`.

mod name;
mod source;

use std::fs;
use std::path::Path;

use source::Source;

use crate::args::New;
use crate::exit::{Error, ExitStatus, Result};
use crate::terminal::eprint_line;

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

/// The end of the `Cargo.toml` of a project below another workspace: cargo refuses to build a
/// package there that is no member.
const OWN_WORKSPACE: &str = "\n# A directory above is a workspace. To make this its member, delete the next line.\n[workspace]\n";

pub(crate) fn run(args: &New) -> Result<ExitStatus> {
    let folder = &args.path;
    let name = name::from_directory(folder)?;
    let shown = folder.display();
    refuse_existing(folder)?;
    let source = Source::of(args)?;
    fs::create_dir_all(folder)
        .map_err(|error| Error::new(format!("cannot make the directory `{shown}`: {error}")))?;
    let nexus = source.dependency(folder);
    let own_workspace = if is_in_workspace(folder) { OWN_WORKSPACE } else { "" };
    for (path, text) in FILES {
        let mut text = text.replace("{{name}}", name).replace("{{nexus}}", &nexus);
        if *path == "Cargo.toml" {
            text.push_str(own_workspace);
        }
        write(&folder.join(path), &text)?;
    }
    eprint_line(&format!(
        "made the project `{name}`; now: cd {shown} && cargo test && cargo run -- mug"
    ));
    Ok(ExitStatus::Success)
}

fn refuse_existing(folder: &Path) -> Result<()> {
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

fn is_in_workspace(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    folder.ancestors().skip(1).any(|above| {
        let manifest = fs::read_to_string(above.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line.trim().starts_with("[workspace"))
    })
}
