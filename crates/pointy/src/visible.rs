//! Texts of users, made fit to be read by people.

use std::fmt::{self, Display, Write};

/// Escapes a text so that it cannot change the output around it.
///
/// Whoever reads a report, an error or a picture wants to see what a user's text says, and not what
/// it does to a terminal. Control characters, and characters that are not seen or change the order
/// of others, are written as `\u{1b}`; a tab becomes a blank. Line ends stay, unless it is to be
/// [`on_one_line`](Visible::on_one_line).
///
/// ```
/// use nexus_pointy::visible;
///
/// assert_eq!(visible("\x1b[31mred\tand\u{202e}back").to_string(), r"\u{1b}[31mred and\u{202e}back");
/// assert_eq!(visible("first\r\nsecond").indented(2).to_string(), "first\n  second");
/// assert_eq!(visible("first\nsecond").on_one_line().to_string(), "first second");
/// ```
pub const fn visible<T: Display>(text: T) -> Visible<T> {
    Visible { text, line_ends: LineEnds::Indent(0) }
}

/// What [`visible`] makes of a text.
#[derive(Debug, Clone, Copy)]
pub struct Visible<T> {
    text: T,
    line_ends: LineEnds,
}

#[derive(Debug, Clone, Copy)]
enum LineEnds {
    /// This many blanks come before each line but the first.
    Indent(usize),
    /// Each becomes a blank.
    Blank,
}

impl<T> Visible<T> {
    /// Begins each line but the first with `by` blanks.
    #[must_use]
    pub fn indented(self, by: usize) -> Self {
        Self { line_ends: LineEnds::Indent(by), ..self }
    }

    /// Puts a blank in place of each line end.
    #[must_use]
    pub fn on_one_line(self) -> Self {
        Self { line_ends: LineEnds::Blank, ..self }
    }
}

impl<T: Display> Display for Visible<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut filter = Filter { out: f, line_ends: self.line_ends, pending_cr: false, indent: 0 };
        write!(filter, "{}", self.text)?;
        filter.flush_pending_cr()
    }
}

struct Filter<'a, 'f> {
    out: &'a mut fmt::Formatter<'f>,
    line_ends: LineEnds,
    /// A carriage return was read, which may be the first half of a line end.
    pending_cr: bool,
    /// The blanks to write before the next character. An empty line gets none.
    indent: usize,
}

impl Filter<'_, '_> {
    fn flush_pending_cr(&mut self) -> fmt::Result {
        if std::mem::take(&mut self.pending_cr) {
            return self.put(format_args!("{}", '\r'.escape_unicode()));
        }
        Ok(())
    }

    fn put(&mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        let indent = std::mem::take(&mut self.indent);
        write!(self.out, "{:indent$}{text}", "")
    }

    fn end_line(&mut self) -> fmt::Result {
        match self.line_ends {
            LineEnds::Blank => self.put(format_args!(" ")),
            LineEnds::Indent(by) => {
                self.indent = by;
                self.out.write_char('\n')
            }
        }
    }
}

impl Write for Filter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if first == '\n' {
                self.pending_cr = false;
                self.end_line()?;
            } else {
                self.flush_pending_cr()?;
                match first {
                    '\r' => self.pending_cr = true,
                    '\t' => self.put(format_args!(" "))?,
                    hidden if is_hidden(hidden) => {
                        self.put(format_args!("{}", hidden.escape_unicode()))?;
                    }
                    _ => {
                        let end = rest.find(is_hidden).unwrap_or(rest.len());
                        let (seen, more) = rest.split_at(end);
                        self.put(format_args!("{seen}"))?;
                        rest = more;
                        continue;
                    }
                }
            }
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Controls, the separators of lines and paragraphs, what has no width, what changes the direction
/// of writing, and what XML refuses. The two joiners are letters to those who write with them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}'
            | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes each character by itself, as a `Display` may.
    struct CharByChar<'a>(&'a str);

    impl Display for CharByChar<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.chars().try_for_each(|c| f.write_char(c))
        }
    }

    #[test]
    fn nothing_hidden_is_left_and_nothing_else_is_changed() {
        for (text, shown) in [
            ("", ""),
            ("naïve 日本語 می‌خواهم 👩‍🔬 \\ `'\"", "naïve 日本語 می‌خواهم 👩‍🔬 \\ `'\""),
            ("\x1b]0;x\x07\x1b[31mred\u{7f}", r"\u{1b}]0;x\u{7}\u{1b}[31mred\u{7f}"),
            ("a\u{202e}b\u{2066}c\u{85}", r"a\u{202e}b\u{2066}c\u{85}"),
            ("one\n\n\ttwo\r\nthree\rfour\r", "one\n\n   two\n  three\\u{d}four\\u{d}"),
            ("\n", "\n"),
        ] {
            assert_eq!(visible(text).indented(2).to_string(), shown);
            assert_eq!(visible(CharByChar(text)).indented(2).to_string(), shown);
        }
        assert_eq!(visible("a\r\nb\n").on_one_line().to_string(), "a b ");
    }
}
