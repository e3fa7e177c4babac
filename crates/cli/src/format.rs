//! `nexus fmt`.

mod diff;

use nexus_pointy::render::render;

use crate::args::Fmt;
use crate::check::count;
use crate::replace::replace;
use crate::source::{Place, Source, scripts};
use crate::terminal::{Color, Out, say, show};
use crate::verdict::{Error, Result, Verdict};

pub(crate) fn run(args: &Fmt, color: Color) -> Result<Verdict> {
    let mut formatter = Formatter { check: args.check, color, out: Out::new() };
    let mut ends = Vec::new();
    let mut names_files = false;
    for place in scripts(&args.scripts.paths, &args.scripts.stdin.name) {
        names_files |= !matches!(place, Ok(Place::Stdin(_)));
        let end = place.and_then(|place| formatter.one(&place));
        ends.push(end.or_else(|error| {
            formatter.out.flush()?;
            say(&format!("error: {error}"));
            Ok(End::Unread)
        })?);
    }
    formatter.out.finish()?;
    if names_files || args.check {
        say(&summary(&ends, args.check));
    }
    let bad = |end: &End| match end {
        End::Same | End::Changed if args.check && *end == End::Changed => Verdict::Mistakes,
        End::Same | End::Changed => Verdict::Fine,
        End::Wrong => Verdict::Mistakes,
        End::Unread => Verdict::Trouble,
    };
    Ok(ends.iter().map(bad).max().unwrap_or(Verdict::Fine))
}

/// What became of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Same,
    /// With `--check`: would be.
    Changed,
    /// It has mistakes.
    Wrong,
    /// It could not be read or written.
    Unread,
}

struct Formatter {
    check: bool,
    color: Color,
    out: Out,
}

impl Formatter {
    fn one(&mut self, place: &Place) -> Result<End> {
        let source = place.read()?;
        let laid_out = match lay_out(&source, self.color.on_stderr()) {
            Ok(laid_out) => laid_out,
            Err(mistakes) => {
                self.out.flush()?;
                show(&format!("{mistakes}\n"));
                return Ok(End::Wrong);
            }
        };
        let end = if laid_out == source.text { End::Same } else { End::Changed };
        match place {
            _ if self.check => {
                if end == End::Changed {
                    let color = self.color.on_stdout();
                    self.out.write(&diff::diff(&source.name, &source.text, &laid_out, color))?;
                }
            }
            Place::Stdin(_) => self.out.write(&laid_out)?,
            Place::File(path) if end == End::Changed => {
                replace(path, &laid_out).map_err(|error| {
                    Error::new(format!("cannot write `{}`: {error}", source.name))
                })?;
            }
            Place::File(_) => {}
        }
        Ok(end)
    }
}

/// The script in its layout.
///
/// # Errors
/// Its mistakes, in writing.
fn lay_out(source: &Source, color: bool) -> std::result::Result<String, String> {
    let Source { name, text } = source;
    let mistakes = nexus_pointy::check(text).diagnostics;
    if !mistakes.is_empty() {
        return Err(render(&mistakes, name, text, color));
    }
    nexus_pointy::format(text).map_err(|mistakes| render(&mistakes, name, text, color))
}

fn summary(ends: &[End], check: bool) -> String {
    let number = |end| ends.iter().filter(|it| **it == end).count();
    let changed = if check { "not laid out" } else { "laid out" };
    let same = if check { "laid out" } else { "unchanged" };
    let parts = [
        (number(End::Changed), changed),
        (number(End::Same), same),
        (number(End::Wrong), "with mistakes"),
        (number(End::Unread), "not read or written"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .enumerate()
        .map(|(at, (number, what))| {
            let number = if at == 0 { count(number, "script") } else { number.to_string() };
            format!("{number} {what}")
        })
        .collect();
    parts.join(", ")
}
