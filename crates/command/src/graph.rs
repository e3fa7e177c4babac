//! Pictures, on the terminal and in files.

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use nexus_core::Picture;

use crate::App;
use crate::plan::plan;
use crate::say::{self, Exit, Stop};

pub(crate) const FORMATS: [&str; 5] = ["text", "ascii", "svg", "mermaid", "dot"];

pub(crate) fn graph(app: &App, args: &ArgMatches) -> Result<Exit, Stop> {
    let Some(entry) = args.get_one::<String>("pipeline").and_then(|name| app.find(name)) else {
        return Ok(Exit::Usage);
    };
    let output = args.get_one::<PathBuf>("output");
    let format = match (args.get_one::<String>("format"), output) {
        (Some(format), _) => format.as_str(),
        (None, Some(path)) => format_of(path)?,
        (None, None) => "text",
    };
    let plan = plan(entry, args.get_one::<PathBuf>("flow")).map_err(|it| Stop::all(vec![it]))?;
    let picture = plan.picture();
    let picture = if args.get_flag("full") { picture.in_full() } else { picture };
    let drawn = draw(picture, format);
    match output {
        None => say::print(&drawn),
        Some(path) => write(path, &drawn).map(|()| Exit::Success),
    }
}

/// The format that a file's ending asks for.
pub(crate) fn format_of(path: &Path) -> Result<&'static str, Stop> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => Ok("svg"),
        Some("mmd" | "mermaid") => Ok("mermaid"),
        Some("dot" | "gv") => Ok("dot"),
        Some("txt") => Ok("text"),
        _ => Err(Stop::usage(format!(
            "`{}` does not say how to draw: end it with .svg, .mmd, .dot or .txt",
            path.display()
        ))),
    }
}

pub(crate) fn draw(picture: Picture, format: &str) -> String {
    match format {
        "svg" => picture.svg(),
        "mermaid" => picture.mermaid(),
        "dot" => picture.dot(),
        "ascii" => picture.ascii().text(),
        _ => picture.text(),
    }
}

pub(crate) fn write(path: &Path, drawn: &str) -> Result<(), Stop> {
    std::fs::write(path, drawn).map_err(|error| unwritable(path, &error, Exit::Failed))
}

/// Finds out before a long run whether its picture could be kept.
pub(crate) fn can_write(path: &Path) -> Result<(), Stop> {
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(path);
    opened.map(drop).map_err(|error| unwritable(path, &error, Exit::Usage))
}

fn unwritable(path: &Path, error: &std::io::Error, exit: Exit) -> Stop {
    Stop::new(exit, format!("cannot write `{}`: {error}", path.display()))
}
