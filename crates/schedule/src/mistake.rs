//! What is wrong with a cron expression, and where.

use std::fmt;
use std::ops::Range;

/// A mistake in a cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is, in bytes.
    pub at: Range<usize>,
    /// What is wrong and what to write instead, in a line.
    pub message: String,
}

/// All that is wrong with a cron expression, from left to right; there is at least one mistake.
///
/// `Display` shows the expression with a caret under each:
///
/// ```
/// use nexus_schedule::Cron;
/// let error = "61 2 * * fry".parse::<Cron>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "this is no cron expression
///   61 2 * * fry
///   ^^       ^^^
///   `61` is no minute; write 0 to 59
///   `fry` is no day of the week; write `fri`, or 0 to 7"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronError {
    pub(crate) text: String,
    pub(crate) mistakes: Vec<Mistake>,
}

impl CronError {
    /// The mistakes, from left to right.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

/// The text without what would move the cursor or hide what follows.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_under =
            |at: usize| self.mistakes.iter().any(|it| it.at.contains(&at) || it.at.start == at);
        let carets: String = self
            .text
            .char_indices()
            .map(|(at, _)| at)
            .chain([self.text.len()])
            .map(|at| if is_under(at) { '^' } else { ' ' })
            .collect();
        let text = shown(&self.text);
        writeln!(f, "this is no cron expression\n  {text}\n  {}", carets.trim_end())?;
        let lines: Vec<String> = self.mistakes.iter().map(|it| shown(&it.message)).collect();
        write!(f, "  {}", lines.join("\n  "))
    }
}

impl std::error::Error for CronError {}
