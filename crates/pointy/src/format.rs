//! One layout for every script.
//!
//! The tokens of the script stay as they are and in their order; only the trivia between
//! them changes, the brackets of groups become braces, and commas come and go at the end
//! of lists. So the flow cannot change, and no comment can get lost.
//!
//! `trivia` reads the comments between tokens, `build` turns all into a stream of texts,
//! breaks and groups, `layout` decides which breaks become line ends. Each goes over its
//! input once, without recursion.

use crate::diagnostic::Diagnostic;
use crate::lex::lex;
use crate::parse::parse;

mod build;
mod layout;
mod trivia;

/// Lays a script out in the one canonical way.
///
/// - A flow, a list or a group that fits into 100 columns stands on one line.
/// - A longer flow has one step a line, each after its arrow; a longer list has one member
///   a line, indented by 4, with a comma after each. Indentation ends at 16 levels.
/// - Groups stand in braces. Numbers and strings stay as written.
/// - A comment stays behind what it stood behind, or on its own line above what it stood
///   above. If it stood behind an arrow, `||` or a comma at the end of a line, it stays at
///   the end of that line, and the operator goes to the next one.
/// - Where a line ends, one blank line is kept, except at the start and the end of a bracket.
/// - Lines end with `\r\n` if the first line of the script does, else with `\n`.
///
/// The result parses to the same flow, and formatting it again changes nothing. Takes
/// linear time and no stack, however long or deep the flow.
///
/// # Errors
/// A script with mistakes is not formatted: all of them.
///
/// ```
/// use nexus_pointy::format;
/// assert_eq!(format("A->B||C # both\n|->(D ->E)[ each ]")?, "\
/// A
/// -> B || C # both
/// |-> {D -> E}[each]
/// ");
/// assert_eq!(format("A (0->B,1 ->C,)")?, "A (0 -> B, 1 -> C)\n");
/// assert!(format("A -> -> B").is_err());
/// # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
/// ```
pub fn format(script: &str) -> Result<String, Vec<Diagnostic>> {
    parse(script).into_result()?;
    let (tokens, _) = lex(script);
    let text = layout::lay_out(build::build(script, &tokens));
    let windows = script.split_once('\n').is_some_and(|(first_line, _)| first_line.ends_with('\r'));
    Ok(if windows { text.replace('\n', "\r\n") } else { text })
}

#[cfg(test)]
mod tests;
