//! Trivia: the comments and blank lines between two tokens.

/// A comment of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Comment<'a> {
    /// From `#` to the last character that can be seen.
    pub(super) text: &'a str,
    /// No token comes before it on its line.
    pub(super) own_line: bool,
    /// A blank line comes before it.
    pub(super) blank: bool,
}

/// The comments and blank lines between two tokens.
#[derive(Debug, Default)]
pub(super) struct Trivia<'a> {
    pub(super) comments: Vec<Comment<'a>>,
    /// A blank line comes right before the next token.
    pub(super) blank: bool,
    /// A line ends between the two tokens.
    pub(super) line_end: bool,
}

impl<'a> Trivia<'a> {
    /// Adds a part of the script that holds white space and comments only. Nothing in it
    /// belongs to the line of the token before unless `after_token`.
    pub(super) fn add(&mut self, gap: &'a str, after_token: bool) {
        let mut rest = gap;
        let mut own_line = self.line_end || !after_token;
        let mut blank = self.blank;
        loop {
            let start = rest.find('#').unwrap_or(rest.len());
            let (space, tail) = rest.split_at(start);
            let ends = line_ends(space);
            own_line |= ends > 0;
            self.line_end |= ends > 0;
            // The line end after a comment belongs to it, so one more makes a blank line.
            blank |= ends > 1;
            if tail.is_empty() {
                self.blank = blank;
                return;
            }
            let end = tail.find(['\n', '\r']).unwrap_or(tail.len());
            let (text, behind) = tail.split_at(end);
            self.comments.push(Comment { text: text.trim_end(), own_line, blank });
            blank = false;
            rest = behind;
        }
    }
}

/// How many lines end in a text: with `\n`, `\r\n` or `\r`.
fn line_ends(text: &str) -> usize {
    let both = text.matches("\r\n").count();
    text.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count() - both
}
