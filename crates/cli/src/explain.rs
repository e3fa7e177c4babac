//! `nexus explain`.

use nexus_pointy::suggest::nearest;
use nexus_pointy::{explain, explained};

use crate::args::Explain;
use crate::exit::{Error, ExitStatus, Result};
use crate::terminal::{Color, Stdout, columns};

/// Lines are no longer than this, however wide the terminal.
const MAX_WIDTH: usize = 100;
/// The width where there is no terminal.
const DEFAULT_WIDTH: usize = 80;
/// On a terminal narrower than this, lines are cut by the terminal.
const MIN_WIDTH: usize = 20;

const BOLD: &str = "\u{1b}[1m";
const RESET: &str = "\u{1b}[0m";

pub(crate) fn run(args: &Explain, color: Color) -> Result<ExitStatus> {
    let width = columns().unwrap_or(DEFAULT_WIDTH).clamp(MIN_WIDTH, MAX_WIDTH);
    let text = match &args.code {
        Some(code) => wrapped(page(code)?, width, color.on_stdout()),
        None => list(),
    };
    let mut out = Stdout::new();
    out.write(&text)?;
    out.finish()?;
    Ok(ExitStatus::Success)
}

fn page(code: &str) -> Result<&'static str> {
    let code = code.trim().to_ascii_uppercase();
    explain(&code).ok_or_else(|| {
        let near = nearest(&code, explained());
        let advice = match near {
            Some(near) => format!("did you mean `{near}`? `nexus explain` lists all"),
            None => "`nexus explain` lists all".to_owned(),
        };
        Error::new(format!("there is no code `{code}`; {advice}"))
    })
}

fn list() -> String {
    let titles: Vec<&str> = explained().filter_map(explain).filter_map(title).collect();
    titles.join("\n") + "\n"
}

/// The code and what it is called.
fn title(page: &str) -> Option<&str> {
    page.lines().next()?.strip_prefix("# ")
}

/// A page of Markdown for a terminal: paragraphs filled, code indented.
fn wrapped(page: &str, width: usize, color: bool) -> String {
    let mut out = String::new();
    let mut paragraph = Vec::new();
    let mut is_code = false;
    for line in page.lines() {
        let is_fence = line.starts_with("```");
        if is_code && !is_fence {
            out.push_str(format!("    {line}").trim_end());
            out.push('\n');
        } else if is_fence || line.is_empty() {
            fill(&mut out, &mut paragraph, width);
            is_code ^= is_fence;
            if line.is_empty() {
                out.push('\n');
            }
        } else if let Some(title) = line.strip_prefix("# ") {
            let (on, off) = if color { (BOLD, RESET) } else { ("", "") };
            paragraph.extend(title.split(' '));
            out.push_str(on);
            fill(&mut out, &mut paragraph, width);
            out.truncate(out.trim_end().len());
            out.push_str(off);
            out.push('\n');
        } else {
            paragraph.extend(line.split(' '));
        }
    }
    fill(&mut out, &mut paragraph, width);
    out
}

/// Writes the words of a paragraph, if there are any, in lines of at most `width` columns.
fn fill(out: &mut String, words: &mut Vec<&str>, width: usize) {
    let mut column = 0;
    for word in words.iter() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    if !words.is_empty() {
        out.push('\n');
    }
    words.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_fits_its_width() {
        for code in explained() {
            let page = explain(code).unwrap();
            for width in [20, 40, 80, 100] {
                let text = wrapped(page, width, false);
                let (is_long, code_of): (Vec<_>, Vec<_>) = text
                    .lines()
                    .filter(|line| line.chars().count() > width)
                    .partition(|line| !line.starts_with("    ") && line.contains(' '));
                assert!(is_long.is_empty(), "{code}, {width}, {is_long:?}, {code_of:?}");
                // Not a word is lost or moved.
                let words = |text: &str| -> Vec<String> {
                    text.split_whitespace()
                        .filter(|word| !word.starts_with("```") && *word != "#")
                        .map(str::to_owned)
                        .collect()
                };
                assert_eq!(words(&text), words(page), "{code}");
            }
        }
    }
}
