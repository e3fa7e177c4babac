//! A pipeline's fields as text: what `#[derive(Pipeline)]` knows of them, and how JSON becomes one.
#![allow(missing_docs, reason = "hidden: generated code and `nexus-command` use it, nobody else")]

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde_path_to_error::Segment;

use crate::value::Value;

/// A field of a pipeline, for those who make its input of text.
#[derive(Debug, Clone, Copy)]
pub struct InputField {
    /// Its name in the struct, without `r#`.
    pub name: &'static str,
    /// The type as written.
    pub ty: &'static str,
    /// The first paragraph of its documentation, in one line.
    pub doc: &'static str,
    /// What it is without being given.
    pub default: Option<InputDefault>,
    /// `None` if its type is not `Deserialize`, or borrows.
    pub read: Option<ReadJson>,
}

/// What a field is without being given.
#[derive(Debug, Clone, Copy)]
pub struct InputDefault {
    /// The expression as written; empty if it is that of the type.
    pub text: &'static str,
    /// Evaluates the expression.
    pub make: fn() -> Value,
}

/// Makes a field's value of the JSON text that is its own.
pub type ReadJson = fn(&str) -> Result<Value, FieldJsonError>;

/// Why a text is no value of the field's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldJsonError {
    /// Where inside of the field: `[3].total`, or nothing if it is the field itself.
    pub path: String,
    /// The same, as far as it is known.
    pub steps: Vec<Step>,
    /// What was expected, and what was found, without the place.
    pub message: String,
    /// How far the reader had got in the field's own text: the line from 1, and how many bytes of
    /// it. It may have looked at the byte behind a number.
    pub line: usize,
    /// How many bytes of that line.
    pub column: usize,
}

/// A step into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To an element of an array, counted from 0.
    Index(usize),
    /// To a member of an object, or to the value of a variant.
    Key(String),
}

/// Whether and how a `T` is read from JSON; where nothing here answers, `Otherwise` does.
#[doc(hidden)]
pub struct FromJson<T>(PhantomData<T>);

// Not `DeserializeOwned`: of that the compiler cannot be asked for a type with `'static` data inside.
impl<T: Deserialize<'static> + Send + Sync + 'static> FromJson<T> {
    pub const FROM_JSON: Option<ReadJson> = Some(read_json::<T>);
}

impl<T> fmt::Debug for FromJson<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromJson")
    }
}

/// A [`ReadJson`] of a `T`, of which nothing borrows from the text.
///
/// ```
/// use nexus_core::command_line::read_json;
/// assert_eq!(read_json::<u32>("7")?.get::<u32>(), Some(&7));
/// let wrong = read_json::<Vec<u32>>("[7, true]").unwrap_err();
/// assert_eq!((&*wrong.path, &*wrong.message), ("[1]", "expected u32, found boolean `true`"));
/// # Ok::<(), nexus_core::command_line::FieldJsonError>(())
/// ```
///
/// # Errors
/// If the text is not JSON, or no `T`: the first mistake, and where it is.
#[cfg_attr(
    not(feature = "json-input"),
    expect(unreachable_pub, reason = "command lines alone take it by name")
)]
pub fn read_json<T: Deserialize<'static> + Send + Sync + 'static>(
    text: &str,
) -> Result<Value, FieldJsonError> {
    // A reader lends nothing of what it reads.
    let mut json = serde_json::Deserializer::from_reader(text.as_bytes());
    serde_path_to_error::deserialize::<_, T>(&mut json).map(Value::new).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => String::new(),
            path if path.starts_with('[') => path,
            path => format!(".{path}"),
        };
        let steps = error.path().iter().map_while(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { variant } => Some(Step::Key(variant.clone())),
            Segment::Unknown => None,
        });
        FieldJsonError { path, ..FieldJsonError::new(steps.collect(), error.inner()) }
    })
}

impl FieldJsonError {
    /// The words of an error of `serde_json`, without the place that it has at its end.
    pub fn new(steps: Vec<Step>, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let place = format!(" at line {line} column {column}");
        let message = text.strip_suffix(&place).unwrap_or(&text);
        Self { path: String::new(), steps, message: turned(message), line, column }
    }
}

/// serde says what it found and then what it expected; we say it the other way round.
fn turned(message: &str) -> String {
    let found = ["invalid type: ", "invalid value: ", "invalid length "]
        .iter()
        .find_map(|kind| message.strip_prefix(kind).map(|rest| (*kind, rest)));
    let Some((kind, (found, expected))) =
        found.and_then(|(kind, rest)| Some((kind, rest.rsplit_once(", expected ")?)))
    else {
        return message.to_owned();
    };
    let length = if kind == "invalid length " { "length " } else { "" };
    format!("expected {expected}, found {length}{found}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is looked at")]
    struct Order {
        total: u64,
        tags: BTreeMap<String, [u8; 2]>,
    }

    #[test]
    fn a_mistake_is_named_by_its_path_and_place() {
        let rest = r#""tags": {}"#;
        for (text, path, message, column) in [
            (
                format!(r#"[{{"total": "x", {rest}}}]"#),
                "[0].total",
                r#"expected u64, found string "x""#,
                14,
            ),
            (format!("[{{{rest}}}]"), "[0]", "missing field `total`", 13),
            (r#"{"total": 1}"#.to_owned(), "", "expected a sequence, found map", 1),
            (
                r#"[{"total": 1, "tags": {"a, expected b": [1, 300]}}]"#.to_owned(),
                "[0].tags.a, expected b[1]",
                "expected u8, found integer `300`",
                48,
            ),
            (
                r#"[{"totl": 1}]"#.to_owned(),
                "[0].totl",
                "unknown field `totl`, expected `total` or `tags`",
                9,
            ),
        ] {
            let mistake = FromJson::<Vec<Order>>::FROM_JSON.unwrap()(&text).unwrap_err();
            assert_eq!((&*mistake.path, &*mistake.message), (path, message), "{text}");
            assert_eq!((mistake.line, mistake.column), (1, column), "{text}");
        }
    }
}
