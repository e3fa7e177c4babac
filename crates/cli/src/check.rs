//! `nexus check`.

use nexus_pointy::render::{json, render};
use nexus_pointy::{Diagnostic, code, line_column, visible};

use crate::args::{Check, MessageFormat};
use crate::source::{Source, scripts};
use crate::terminal::{Color, Out, say};
use crate::verdict::{Result, Verdict};

pub(crate) fn run(args: &Check, color: Color) -> Result<Verdict> {
    let color = color.on_stdout();
    let mut out = Out::new();
    let mut tally = Tally::default();
    for place in scripts(&args.scripts.paths, &args.scripts.stdin.name) {
        let source = match place.and_then(|place| place.read()) {
            Ok(source) => source,
            Err(error) => {
                out.flush()?;
                say(&format!("error: {error}"));
                tally.unread += 1;
                continue;
            }
        };
        let mistakes = nexus_pointy::check(&source.text).diagnostics;
        tally.add(&mistakes);
        out.write(&written(&mistakes, &source, args.message_format, color))?;
    }
    out.finish()?;
    say(&tally.summary());
    Ok(tally.verdict())
}

fn written(mistakes: &[Diagnostic], source: &Source, how: MessageFormat, color: bool) -> String {
    let Source { name, text } = source;
    match how {
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

#[derive(Debug, Default)]
struct Tally {
    read: usize,
    unread: usize,
    wrong: usize,
    mistakes: usize,
    /// Whether a script has more mistakes than were listed.
    is_cut: bool,
}

impl Tally {
    fn add(&mut self, mistakes: &[Diagnostic]) {
        let more = mistakes.iter().filter(|it| it.code == code::MORE).count();
        self.read += 1;
        self.wrong += usize::from(!mistakes.is_empty());
        self.mistakes += mistakes.len() - more;
        self.is_cut |= more > 0;
    }

    fn verdict(&self) -> Verdict {
        match (self.unread, self.mistakes) {
            (0, 0) => Verdict::Fine,
            (0, _) => Verdict::Mistakes,
            _ => Verdict::Trouble,
        }
    }

    fn summary(&self) -> String {
        let more_than = if self.is_cut { "more than " } else { "" };
        let read = match (self.mistakes, self.read) {
            (0, 0) => "no script was checked".to_owned(),
            (0, read) => format!("no mistakes in {}", count(read, "script")),
            (mistakes, read) => {
                let mistakes = count(mistakes, "mistake");
                format!("{more_than}{mistakes} in {} of {}", self.wrong, count(read, "script"))
            }
        };
        match self.unread {
            0 => read,
            unread => format!("{read}; {} could not be read", count(unread, "path")),
        }
    }
}

/// A number with its noun.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}
