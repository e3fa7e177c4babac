//! Positions in a JSON text.

use std::fmt;

use nexus_core::command_line::Step;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A part of a text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The span of the value that these steps lead to.
pub(crate) fn value_span(text: &str, steps: &[Step]) -> Option<Span> {
    let mut value: &RawValue = serde_json::from_str(text).ok()?;
    for step in steps {
        value = match step {
            Step::Index(index) => {
                *serde_json::from_str::<Vec<&RawValue>>(value.get()).ok()?.get(*index)?
            }
            Step::Key(key) => {
                let members = serde_json::from_str::<Members<'_>>(value.get()).ok()?.0;
                members.into_iter().find(|(name, _)| name == key)?.1
            }
        };
    }
    let start = offset_of(text, value.get());
    Some(Span { start, end: start + value.get().len() })
}

/// The line and the column, both from 1, of the byte at `at`; the column counts characters.
pub(crate) fn line_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before.get(start..).unwrap_or_default().chars().count() + 1)
}

/// The last byte that is no blank of the text that `serde_json` has read. It reports how far it has
/// read as a line, from 1, and a count of bytes in that line.
pub(crate) fn byte_at(text: &str, line: usize, column: usize) -> usize {
    let start = match line {
        0 | 1 => 0,
        _ => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(at, _)| at + 1),
    };
    let mut end = (start + column).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let read = text.get(..end).unwrap_or_default().trim_end();
    read.char_indices().next_back().map_or(0, |(at, _)| at)
}

/// Where `part`, which is a slice of `text`, begins in it.
pub(crate) fn offset_of(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}

/// Where the key of the value that begins at `value` begins.
pub(crate) fn key_start(text: &str, value: usize) -> usize {
    let before = text.get(..value).unwrap_or_default();
    let before = before.trim_end_matches([' ', '\t', '\r', '\n', ':']);
    let Some(inside) = before.strip_suffix('"') else { return value };
    let opens = inside.rmatch_indices('"').map(|(at, _)| at).find(|at| {
        let slashes = inside.get(..*at).unwrap_or_default();
        (slashes.len() - slashes.trim_end_matches('\\').len()).is_multiple_of(2)
    });
    opens.unwrap_or(value)
}

/// The members of an object as they are written, duplicates too.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_found_again() {
        let text = "{\n  \"ä\\\"b\" : 12,\n  \"c\": [\n7]}";
        let value = text.find("12").unwrap_or_default();
        assert_eq!(line_column(text, value), (2, 12));
        assert_eq!(line_column(text, key_start(text, value)), (2, 3));
        assert_eq!(offset_of(text, &text[value..]), value);
        assert_eq!(line_column(text, byte_at(text, 4, 1)), (4, 1));
        assert_eq!(line_column(text, byte_at(text, 2, 4)), (2, 4), "a character of two bytes");
        assert_eq!(
            line_column(text, byte_at(text, 4, 0)),
            (3, 8),
            "the reader has seen the line's end"
        );
        assert_eq!(byte_at(text, 99, 99), text.len() - 1);
        assert_eq!(byte_at("", 1, 0), 0);
    }
}
