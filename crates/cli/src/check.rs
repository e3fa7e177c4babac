//! `nexus check`.

use nexus_pointy::render::{json, render};
use nexus_pointy::{Diagnostic, code, line_column, visible};

use crate::args::{Check, MessageFormat};
use crate::exit::{ExitStatus, Result};
use crate::source::{Source, find_scripts};
use crate::terminal::{Color, Stdout, eprint_line};

pub(crate) fn run(args: &Check, color: Color) -> Result<ExitStatus> {
    let color = color.on_stdout();
    let mut out = Stdout::new();
    let mut summary = Summary::default();
    for input in find_scripts(&args.scripts.paths, &args.scripts.stdin.name) {
        let source = match input.and_then(|input| input.read()) {
            Ok(source) => source,
            Err(error) => {
                out.flush()?;
                eprint_line(&format!("error: {error}"));
                summary.unreadable += 1;
                continue;
            }
        };
        let mistakes = nexus_pointy::check(&source.text).diagnostics;
        summary.add(&mistakes);
        out.write(&rendered(&mistakes, &source, args.message_format, color))?;
    }
    out.finish()?;
    eprint_line(&summary.text());
    Ok(summary.exit_status())
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
    unreadable: usize,
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
        self.is_truncated |= more > 0;
    }

    fn exit_status(&self) -> ExitStatus {
        match (self.unreadable, self.mistakes) {
            (0, 0) => ExitStatus::Success,
            (0, _) => ExitStatus::Mistakes,
            _ => ExitStatus::Failure,
        }
    }

    fn text(&self) -> String {
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
        match self.unreadable {
            0 => read,
            unreadable => format!("{read}; {} could not be read", count(unreadable, "path")),
        }
    }
}

/// A number with its noun.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}
