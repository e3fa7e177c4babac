//! `nexus fmt`.

mod diff;

use nexus_pointy::render::render;

use crate::args::Fmt;
use crate::atomic_write::write_atomically;
use crate::check::count;
use crate::exit::{Error, ExitStatus, Result};
use crate::source::{Input, Source, find_scripts};
use crate::terminal::{Color, Stdout, eprint_line, eprint_text};

pub(crate) fn run(args: &Fmt, color: Color) -> Result<ExitStatus> {
    let mut formatter = Formatter { check: args.check, color, out: Stdout::new() };
    let mut outcomes = Vec::new();
    let mut names_files = false;
    for input in find_scripts(&args.scripts.paths, &args.scripts.stdin.name) {
        names_files |= !matches!(input, Ok(Input::Stdin(_)));
        let outcome = input.and_then(|input| formatter.format_script(&input));
        outcomes.push(outcome.or_else(|error| {
            formatter.out.flush()?;
            eprint_line(&format!("error: {error}"));
            Ok(Outcome::Failed)
        })?);
    }
    formatter.out.finish()?;
    if names_files || args.check {
        eprint_line(&summary(&outcomes, args.check));
    }
    let status = |outcome: &Outcome| match outcome {
        Outcome::Changed if args.check => ExitStatus::Mistakes,
        Outcome::Unchanged | Outcome::Changed => ExitStatus::Success,
        Outcome::HasMistakes => ExitStatus::Mistakes,
        Outcome::Failed => ExitStatus::Failure,
    };
    Ok(outcomes.iter().map(status).max().unwrap_or(ExitStatus::Success))
}

/// How the formatting of one script ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Unchanged,
    /// Its layout has changed, or with `--check` would change.
    Changed,
    /// It has mistakes.
    HasMistakes,
    /// It could not be read or written.
    Failed,
}

struct Formatter {
    check: bool,
    color: Color,
    out: Stdout,
}

impl Formatter {
    fn format_script(&mut self, input: &Input) -> Result<Outcome> {
        let source = input.read()?;
        let laid_out = match lay_out(&source, self.color.on_stderr()) {
            Ok(laid_out) => laid_out,
            Err(mistakes) => {
                self.out.flush()?;
                eprint_text(&format!("{mistakes}\n"));
                return Ok(Outcome::HasMistakes);
            }
        };
        let outcome = if laid_out == source.text { Outcome::Unchanged } else { Outcome::Changed };
        match input {
            _ if self.check => {
                if outcome == Outcome::Changed {
                    let color = self.color.on_stdout();
                    self.out.write(&diff::diff(&source.name, &source.text, &laid_out, color))?;
                }
            }
            Input::Stdin(_) => self.out.write(&laid_out)?,
            Input::File(path) if outcome == Outcome::Changed => {
                write_atomically(path, &laid_out).map_err(|error| {
                    Error::new(format!("cannot write `{}`: {error}", source.name))
                })?;
            }
            Input::File(_) => {}
        }
        Ok(outcome)
    }
}

/// The script in its layout.
///
/// # Errors
/// The script's mistakes, rendered.
fn lay_out(source: &Source, color: bool) -> std::result::Result<String, String> {
    let Source { name, text } = source;
    let mistakes = nexus_pointy::check(text).diagnostics;
    if !mistakes.is_empty() {
        return Err(render(&mistakes, name, text, color));
    }
    nexus_pointy::format(text).map_err(|mistakes| render(&mistakes, name, text, color))
}

fn summary(outcomes: &[Outcome], check: bool) -> String {
    let number = |outcome| outcomes.iter().filter(|it| **it == outcome).count();
    let changed = if check { "not laid out" } else { "laid out" };
    let same = if check { "laid out" } else { "unchanged" };
    let parts = [
        (number(Outcome::Changed), changed),
        (number(Outcome::Unchanged), same),
        (number(Outcome::HasMistakes), "with mistakes"),
        (number(Outcome::Failed), "not read or written"),
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
