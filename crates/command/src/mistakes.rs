//! All mistakes of a JSON text, from a reader that stops at the first.
//!
//! A mistake is repaired in a copy of the text, in any way that lets the reader go on: with another
//! value in its place, with the missing field added, or with the element of a list left out. The
//! reader's next error is then the next mistake. The values read from such a copy are thrown away.

use nexus_core::command_line::{FieldJsonError, ReadJson, Step};

use crate::position::{self, Span};

/// At most this many mistakes of one text are looked for.
const MAX_MISTAKES: usize = 20;
/// Of a longer text only the first mistake is reported, since each further one takes several more
/// reads of the whole text.
const MAX_TEXT_LEN: usize = 1 << 20;
/// One of these is a value of most types that are not structs.
const PLACEHOLDERS: [&str; 7] = ["0", "\"\"", "false", "null", "[]", "{}", "\"0\""];

/// A mistake, and the byte of the text that it is at.
pub(crate) struct Mistake {
    pub(crate) json_error: FieldJsonError,
    pub(crate) at: usize,
}

/// The mistakes of `text`; `first` is the one that the reader has reported.
pub(crate) fn find_all(read: ReadJson, text: &str, first: FieldJsonError) -> Vec<Mistake> {
    let mut copy = RepairedText { text: text.to_owned(), edits: Vec::new(), removed: Vec::new() };
    let mut found = Vec::new();
    let mut next = Some(first);
    while let Some(mut json_error) = next {
        let repaired = if found.len() + 1 < MAX_MISTAKES && text.len() <= MAX_TEXT_LEN {
            copy.repair(read, &json_error)
        } else {
            None
        };
        let at = copy.original_position(&json_error);
        if let Some(path) = copy.original_path(&json_error.steps) {
            json_error.path = path;
        }
        found.push(Mistake { json_error, at });
        next = repaired.and_then(|repaired| {
            let json_error = read(&repaired.text).err();
            copy = repaired;
            json_error
        });
    }
    found
}

/// The field that is missing, if that is the mistake.
fn missing_field(json_error: &FieldJsonError) -> Option<String> {
    json_error.message.strip_prefix("missing field ")?.split('`').nth(1).map(str::to_owned)
}

/// A copy of the text with some of it replaced.
#[derive(Clone)]
struct RepairedText {
    text: String,
    edits: Vec<Edit>,
    /// The lists that have lost an element, and which.
    removed: Vec<(Vec<Step>, usize)>,
}

/// One replacement, at a position of the text as it was just before.
#[derive(Clone)]
struct Edit {
    start: usize,
    removed: usize,
    inserted: usize,
}

impl RepairedText {
    /// The last byte that the reader had read.
    fn read_position(&self, json_error: &FieldJsonError) -> usize {
        position::byte_at(&self.text, json_error.line, json_error.column)
    }

    /// The byte of the original text at which the mistake is. It is inside of the value, although
    /// the reader has read one byte more to find the end of a number.
    fn original_position(&self, json_error: &FieldJsonError) -> usize {
        let read_position = self.read_position(json_error);
        let last = position::value_span(&self.text, &json_error.steps)
            .map(|span| span.end.saturating_sub(1));
        self.original(read_position.min(last.unwrap_or(read_position)))
    }

    /// The byte of the original text that this byte comes from.
    fn original(&self, at: usize) -> usize {
        self.edits.iter().rev().fold(at, |at, edit| match at.checked_sub(edit.start) {
            None => at,
            Some(inside) if inside < edit.inserted => edit.start,
            Some(_) => at - edit.inserted + edit.removed,
        })
    }

    /// The path of these steps in the original text, if elements have been removed since.
    fn original_path(&self, steps: &[Step]) -> Option<String> {
        self.removed.last()?;
        let mut steps = steps.to_vec();
        for (list, removed) in self.removed.iter().rev() {
            if !steps.starts_with(list) {
                continue;
            }
            if let Some(Step::Index(index)) = steps.get_mut(list.len())
                && *index >= *removed
            {
                *index += 1;
            }
        }
        let shown = steps.iter().map(|step| match step {
            Step::Index(index) => format!("[{index}]"),
            Step::Key(key) => format!(".{key}"),
        });
        Some(shown.collect())
    }

    fn replaced(&self, span: Span, inserted: &str) -> Self {
        let mut copy = self.clone();
        copy.text.replace_range(span.start..span.end, inserted);
        let removed = span.end - span.start;
        copy.edits.push(Edit { start: span.start, removed, inserted: inserted.len() });
        copy
    }

    /// A copy in which the reader gets further.
    fn repair(&self, read: ReadJson, json_error: &FieldJsonError) -> Option<Self> {
        let mut repaired = json_error.steps.clone();
        repaired.extend(missing_field(json_error).map(Step::Key));
        let is_right = |(copy, end): &(Self, usize)| match read(&copy.text) {
            Ok(_) => true,
            Err(next) => copy.read_position(&next) >= *end && !next.steps.starts_with(&repaired),
        };
        let other = self.candidates(json_error).into_iter().find(is_right);
        other.map(|(copy, _)| copy).or_else(|| self.without_element(&json_error.steps))
    }

    /// Copies with something else in the place of the mistake, and where that ends.
    fn candidates(&self, json_error: &FieldJsonError) -> Vec<(Self, usize)> {
        let Some(span) = position::value_span(&self.text, &json_error.steps) else {
            return Vec::new();
        };
        if let Some(name) = missing_field(json_error) {
            let is_empty = self
                .text
                .get(span.start + 1..span.end)
                .is_some_and(|rest| rest.trim_start().starts_with('}'));
            let comma = if is_empty { "" } else { "," };
            let inside = Span { start: span.start + 1, end: span.start + 1 };
            return PLACEHOLDERS
                .iter()
                .map(|value| format!("{}:{value}{comma}", serde_json::Value::from(&*name)))
                .map(|member| (self.replaced(inside, &member), inside.start + member.len()))
                .collect();
        }
        if json_error.message.starts_with("unknown field ") {
            let key = position::key_start(&self.text, span.start);
            let whole = self.with_comma(Span { start: key, end: span.end });
            return vec![(self.replaced(whole, ""), whole.start)];
        }
        // "unknown variant `a`, expected `b` or `c`"
        let variants = json_error.message.starts_with("unknown variant ");
        let variants = json_error.message.split('`').skip(3).step_by(2).filter(|_| variants);
        let variants = variants.map(|variant| serde_json::Value::from(variant).to_string());
        PLACEHOLDERS
            .iter()
            .map(|value| (*value).to_owned())
            .chain(variants)
            .map(|value| (self.replaced(span, &value), span.start + value.len()))
            .collect()
    }

    /// A copy without the innermost element of a list that the mistake is in.
    fn without_element(&self, steps: &[Step]) -> Option<Self> {
        let is_index = |step: &Step| matches!(step, Step::Index(_));
        let (list, element) = steps.split_at(steps.iter().rposition(is_index)?);
        let Some(Step::Index(index)) = element.first() else { return None };
        let span = position::value_span(&self.text, steps.get(..=list.len())?)?;
        let mut copy = self.replaced(self.with_comma(span), "");
        copy.removed.push((list.to_vec(), *index));
        Some(copy)
    }

    /// With the comma that parts it from the next one, or else from the one before.
    fn with_comma(&self, span: Span) -> Span {
        let after = self.text.get(span.end..).unwrap_or_default();
        if after.trim_start().starts_with(',') {
            let blanks = after.len() - after.trim_start().len();
            return Span { end: span.end + blanks + 1, ..span };
        }
        let before = self.text.get(..span.start).unwrap_or_default().trim_end();
        Span { start: before.strip_suffix(',').map_or(span.start, str::len), ..span }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]
    #![allow(dead_code, reason = "only their reading is looked at")]

    use std::collections::BTreeMap;

    use nexus_core::command_line::read_json;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    enum Size {
        Small,
        Large,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Item {
        name: String,
        size: Size,
        counts: [u8; 2],
    }

    #[derive(Debug, Deserialize)]
    struct Order {
        id: u64,
        paid: bool,
        items: Vec<Item>,
        by_name: BTreeMap<String, Item>,
    }

    const ITEM: &str = r#"{"name": "a", "size": "Small", "counts": [1, 2]}"#;

    /// The paths and messages, each with the text that begins at its place.
    fn found(text: &str) -> Vec<(String, String, String)> {
        let read = read_json::<Vec<Order>>;
        let all = find_all(read, text, read(text).unwrap_err());
        let rest = |at: usize| text[at..].chars().take(3).collect();
        all.into_iter().map(|it| (it.json_error.path, it.json_error.message, rest(it.at))).collect()
    }

    #[test]
    fn what_stands_behind_a_mistake_is_read_as_well() {
        let text = format!(
            r#"[{{"id": "x", "paid": 1, "items": [
                {ITEM},
                {{"name": 7, "size": "smal", "counts": [1, 300], "colour": "red"}},
                {{"size": "Large", "counts": [1]}}, 5
            ], "by_name": {{"a": {ITEM}, "b": {{}}}}}}, {{}}]"#
        );
        let expected = [
            ("[0].id", r#"expected u64, found string "x""#, "\", "),
            ("[0].paid", "expected a boolean, found integer `1`", "1, "),
            ("[0].items[1].name", "expected a string, found integer `7`", "7, "),
            ("[0].items[1].size", "unknown variant `smal`, expected `Small` or `Large`", "\", "),
            ("[0].items[1].counts[1]", "expected u8, found integer `300`", "0],"),
            (
                "[0].items[1].colour",
                "unknown field `colour`, expected one of `name`, `size`, `counts`",
                ": \"",
            ),
            ("[0].items[2].counts", "expected an array of length 2, found length 1", "]},"),
            ("[0].items[3]", "expected struct Item, found integer `5`", "5\n "),
            ("[0].by_name.b", "missing field `name`", "}}}"),
            ("[0].by_name.b", "missing field `size`", "}}}"),
            ("[1]", "missing field `id`", "}]"),
            ("[1]", "missing field `paid`", "}]"),
            ("[1]", "missing field `items`", "}]"),
            ("[1]", "missing field `by_name`", "}]"),
        ];
        let found = found(&text);
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!((&*found.0, &*found.1, &*found.2), expected);
        }
        assert_eq!(found.len(), expected.len());
    }

    #[test]
    fn there_is_an_end() {
        let many = vec!["{}"; 1000].join(",");
        assert_eq!(found(&format!("[{many}]")).len(), MAX_MISTAKES);
        for text in ["", "[", "[{]", "7", "[{\"id\": 1", "[{\"id\": 1, \"id\": 2}]"] {
            assert_eq!(found(text).len(), 1, "{text}");
        }
    }
}
