//! `nexus graph`.

use std::path::Path;

use nexus_picture::{Format, Picture};
use nexus_pointy::render::render;

use crate::args::Graph;
use crate::exit::{Error, ExitStatus, Result};
use crate::source::Input;
use crate::terminal::{Color, Stdout, eprint_text};

pub(crate) fn run(args: &Graph, color: Color) -> Result<ExitStatus> {
    let file = args.output.as_deref().filter(|path| *path != Path::new("-"));
    let format = format(args, file)?;
    let source = Input::new(&args.path, &args.stdin.name).read()?;
    let parsed = nexus_pointy::check(&source.text);
    if !parsed.diagnostics.is_empty() {
        eprint_text(&render(&parsed.diagnostics, &source.name, &source.text, color.on_stderr()));
        return Ok(ExitStatus::Mistakes);
    }
    let mut picture = Picture::of(&parsed.flow).titled(title(args, &source.name));
    if args.full {
        picture = picture.in_full();
    }
    if file.is_none() && color.on_stdout() {
        picture = picture.colored();
    }
    let drawn = picture.draw(format);
    if let Some(path) = file {
        std::fs::write(path, &drawn)
            .map_err(|error| Error::new(format!("cannot write `{}`: {error}", path.display())))?;
    } else {
        let mut out = Stdout::new();
        out.write(&drawn)?;
        out.finish()?;
    }
    Ok(ExitStatus::Success)
}

fn format(args: &Graph, file: Option<&Path>) -> Result<Format> {
    match (args.format, file) {
        (Some(format), _) => Ok(format),
        (None, None) => Ok(Format::Text),
        (None, Some(file)) => Format::of_path(file).map_err(|error| {
            let names = Format::ALL.map(Format::name).join(", ");
            Error::new(format!("{error}; add `--format` with one of {names}"))
        }),
    }
}

fn title(args: &Graph, name: &str) -> String {
    let stem = || Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match &args.title {
        Some(title) => title.clone(),
        None if name.starts_with('<') => String::new(),
        None => stem(),
    }
}
