//! Pictures, on the terminal and in files.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use nexus_core::PictureFormat;

use crate::App;
use crate::output::{self, Exit, Failure};
use crate::plan::plan;

pub(crate) fn graph(app: &App, args: &ArgMatches) -> Result<Exit, Failure> {
    let Some(entry) = args.get_one::<String>("pipeline").and_then(|name| app.find(name)) else {
        return Ok(Exit::Usage);
    };
    let output = args.get_one::<PathBuf>("output");
    let format = match (args.get_one::<PictureFormat>("format"), output) {
        (Some(format), _) => *format,
        (None, Some(path)) => format_for_path(path)?,
        (None, None) => PictureFormat::Text,
    };
    let plan = plan(entry, args.get_one::<PathBuf>("flow")).map_err(|it| Failure::all(vec![it]))?;
    let picture = plan.picture();
    let picture = if args.get_flag("full") { picture.in_full() } else { picture };
    let drawn = picture.draw(format);
    match output {
        None => output::print(&drawn),
        Some(path) => write(path, &drawn).map(|()| Exit::Success),
    }
}

/// The format that a file's ending asks for.
pub(crate) fn format_for_path(path: &Path) -> Result<PictureFormat, Failure> {
    PictureFormat::of_path(path).map_err(|error| Failure::usage(error.to_string()))
}

pub(crate) fn write(path: &Path, drawn: &str) -> Result<(), Failure> {
    std::fs::write(path, drawn).map_err(|error| write_error(path, &error, Exit::Failed))
}

/// Checks before a long run that its picture can be written. It leaves no file that was not there: the
/// run may never begin.
pub(crate) fn check_writable(path: &Path) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.append(true);
    let checked = match options.clone().create_new(true).open(path) {
        Ok(_) => std::fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            options.create(true).open(path).map(drop)
        }
        Err(error) => Err(error),
    };
    checked.map_err(|error| write_error(path, &error, Exit::Usage))
}

fn write_error(path: &Path, error: &std::io::Error, exit: Exit) -> Failure {
    Failure::new(exit, format!("cannot write `{}`: {error}", path.display()))
}
