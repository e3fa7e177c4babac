//! `nexus check`.

use nexus_pointy::render::{json, render};
use nexus_pointy::{Diagnostic, code, line_column, visible};

use crate::args::{Check, MessageFormat};
use crate::atomic_write::write_atomically;
use crate::exit::{Error, ExitStatus, Result};
use crate::source::{Input, Source, find_scripts};
use crate::terminal::{Color, Stdout, eprint_line};

pub(crate) fn run(args: &Check, color: Color) -> Result<ExitStatus> {
    let color = color.on_stdout();
    let mut out = Stdout::new();
    let mut summary = Summary::default();
    for input in find_scripts(&args.scripts.paths, &args.scripts.stdin.name) {
        let read = input.and_then(|input| {
            let source = input.read()?;
            if args.fix { fixed(&input, source, &mut summary) } else { Ok(source) }
        });
        let source = match read {
            Ok(source) => source,
            Err(error) => {
                out.flush()?;
                eprint_line(&format!("error: {error}"));
                summary.failed += 1;
                continue;
            }
        };
        let mistakes = nexus_pointy::check(&source.text).diagnostics;
        summary.add(&mistakes);
        out.write(&rendered(&mistakes, &source, args.message_format, color))?;
    }
    out.finish()?;
    eprint_line(&summary.text(args.fix));
    Ok(summary.exit_status())
}

/// Corrects a script where it is. Returns it as it is then.
fn fixed(input: &Input, source: Source, summary: &mut Summary) -> Result<Source> {
    let Input::File(path) = input else {
        return Err(Error::new("`--fix` corrects files, not standard input; name one"));
    };
    let fixed = nexus_pointy::fix(&source.text);
    if fixed.count > 0 {
        write_atomically(path, &fixed.text)
            .map_err(|error| Error::new(format!("cannot write `{}`: {error}", source.name)))?;
        summary.corrected += fixed.count;
    }
    Ok(Source { text: fixed.text, ..source })
}

fn rendered(
    mistakes: &[Diagnostic],
    source: &Source,
    format: MessageFormat,
    color: bool,
) -> String {
    let Source { name, text } = source;
    match format {
        MessageFormat::Human if mistakes.is_empty() => String::new(),
        MessageFormat::Human => render(mistakes, name, text, color) + "\n",
        MessageFormat::Json => json(mistakes, name, text),
        MessageFormat::Short => mistakes.iter().map(|it| short(it, source)).collect(),
    }
}

fn short(mistake: &Diagnostic, source: &Source) -> String {
    let (line, column) = line_column(&source.text, mistake.span.start as usize);
    let Diagnostic { code, message, .. } = mistake;
    let mistake = format!("{}:{line}:{column}: error[{code}]: {message}", source.name);
    format!("{}\n", visible(mistake).on_one_line())
}

/// The counts of the last line.
#[derive(Debug, Default)]
struct Summary {
    read: usize,
    /// Paths that could not be read or written.
    failed: usize,
    /// Mistakes that were corrected, and are not counted among the others.
    corrected: usize,
    /// Mistakes that could be.
    correctable: usize,
    with_mistakes: usize,
    mistakes: usize,
    /// Whether a script has more mistakes than were listed.
    is_truncated: bool,
}

impl Summary {
    fn add(&mut self, mistakes: &[Diagnostic]) {
        let more = mistakes.iter().filter(|it| it.code == code::MORE).count();
        self.read += 1;
        self.with_mistakes += usize::from(!mistakes.is_empty());
        self.mistakes += mistakes.len() - more;
        self.correctable += mistakes.iter().filter(|it| it.fix.is_some()).count();
        self.is_truncated |= more > 0;
    }

    fn exit_status(&self) -> ExitStatus {
        match (self.failed, self.mistakes) {
            (0, 0) => ExitStatus::Success,
            (0, _) => ExitStatus::Mistakes,
            _ => ExitStatus::Failure,
        }
    }

    fn text(&self, fix: bool) -> String {
        let more_than = if self.is_truncated { "more than " } else { "" };
        let read = match (self.mistakes, self.read) {
            (0, 0) => "no script was checked".to_owned(),
            (0, read) => format!("no mistakes in {}", count(read, "script")),
            (mistakes, read) => {
                let mistakes = count(mistakes, "mistake");
                format!(
                    "{more_than}{mistakes} in {} of {}",
                    self.with_mistakes,
                    count(read, "script")
                )
            }
        };
        let mut parts = vec![read];
        if fix {
            parts.insert(0, format!("{} corrected", count(self.corrected, "mistake")));
        } else if self.correctable > 0 {
            parts.push(format!("`--fix` corrects {}", self.correctable));
        }
        if self.failed > 0 {
            let written = if fix { " or written" } else { "" };
            parts.push(format!("{} could not be read{written}", count(self.failed, "path")));
        }
        parts.join("; ")
    }
}

/// A number with its noun.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}
