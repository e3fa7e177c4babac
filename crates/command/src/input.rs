//! A pipeline's fields, read from JSON.

use std::io::Read;
use std::path::Path;

use nexus_core::Value;
use nexus_core::command_line::{FieldJsonError, InputField, ReadJson};
use nexus_pointy::suggest::nearest;
use serde_json::value::RawValue;

use crate::mistakes;
use crate::position::{self, Members};

/// A JSON text, and its name in messages.
pub(crate) struct Document {
    origin: String,
    text: String,
}

/// The JSON for one field, and where it comes from, for messages.
struct FieldInput<'a> {
    name: &'a str,
    json: &'a str,
    origin: Origin<'a>,
}

/// Where the value of a field comes from.
#[derive(Clone, Copy)]
enum Origin<'a> {
    Document(&'a Document),
    Set,
}

impl Document {
    /// Reads a file, or the standard input where the path is `-`.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let mut bytes = Vec::new();
        let (origin, read) = if path.as_os_str() == "-" {
            ("standard input".to_owned(), std::io::stdin().lock().read_to_end(&mut bytes))
        } else {
            let read = std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
            (path.display().to_string(), read)
        };
        read.map_err(|error| format!("cannot read the input `{origin}`: {error}"))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            format!("{origin}: expected UTF-8, found something else at byte {at}")
        })?;
        // Some editors begin a file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        Ok(Self { origin, text })
    }

    /// `orders.json:3:7`
    fn at(&self, byte: usize) -> String {
        let (line, column) = position::line_column(&self.text, byte);
        format!("{}:{line}:{column}", self.origin)
    }

    /// The members of the JSON object, or the message that says why the text is none.
    fn members(&self, fields: &[InputField]) -> Result<Vec<(String, &RawValue)>, String> {
        if self.text.trim().is_empty() {
            let origin = &self.origin;
            return Err(format!("{origin}: expected a JSON object, found nothing"));
        }
        match serde_json::from_str::<Members<'_>>(&self.text) {
            Ok(members) => Ok(members.0),
            Err(error) => {
                let json_error = FieldJsonError::new(Vec::new(), &error);
                let place =
                    self.at(position::byte_at(&self.text, json_error.line, json_error.column));
                let is_object = self.text.trim_start().starts_with('{');
                if error.is_data() && !is_object {
                    let names: Vec<String> =
                        fields.iter().map(|field| format!("\"{}\": ..", field.name)).collect();
                    let shape = names.join(", ");
                    return Err(format!(
                        "{}: expected a JSON object with the pipeline's fields, {{{shape}}}; {}",
                        self.origin,
                        json_error.message.rsplit_once(", ").map_or("", |(_, found)| found)
                    ));
                }
                Err(format!("{place}: broken JSON: {}", json_error.message))
            }
        }
    }
}

/// The values of all `fields` in their order, or a message for each mistake in the input.
pub(crate) fn values(
    fields: &'static [InputField],
    document: Option<&Document>,
    sets: &[(String, String)],
) -> Result<Vec<Value>, Vec<String>> {
    let mut errors = Vec::new();
    let members = match document.map(|document| document.members(fields)) {
        None => Vec::new(),
        Some(Ok(members)) => members,
        // In a broken document no field can be called missing, so this is the only error.
        Some(Err(broken)) => return Err(vec![broken]),
    };
    let from_document = members.iter().filter_map(|(name, raw)| {
        let origin = Origin::Document(document?);
        Some(FieldInput { name, json: raw.get(), origin })
    });
    let from_sets = sets.iter().map(|(name, json)| FieldInput { name, json, origin: Origin::Set });
    let given: Vec<FieldInput<'_>> = from_document.chain(from_sets).collect();
    let mut values: Vec<Option<Value>> = vec![None; fields.len()];
    let mut mentioned = vec![false; fields.len()];
    for (index, it) in given.iter().enumerate() {
        let twice =
            |other: &&FieldInput<'_>| other.name == it.name && same_origin(other.origin, it.origin);
        if given.iter().take(index).any(|other| twice(&other)) {
            errors.push(format!("{} is given twice: keep one of the two", it.label()));
            continue;
        }
        let Some(at) = fields.iter().position(|field| field.name == it.name) else {
            errors.push(unknown_field(it, fields));
            continue;
        };
        let overridden = matches!(it.origin, Origin::Document(_))
            && sets.iter().any(|(name, _)| name == it.name);
        let (Some(field), false) = (fields.get(at), overridden) else { continue };
        if let Some(mentioned) = mentioned.get_mut(at) {
            *mentioned = true;
        }
        match (it.read(field), values.get_mut(at)) {
            (Ok(value), Some(place)) => *place = Some(value),
            (Ok(_), None) => {}
            (Err(mistakes), _) => errors.extend(mistakes),
        }
    }
    for ((field, value), mentioned) in fields.iter().zip(&mut values).zip(mentioned) {
        match field.default {
            _ if mentioned => {}
            Some(default) => *value = Some((default.make)()),
            None => errors.push(missing_field(field, document)),
        }
    }
    match values.into_iter().collect::<Option<Vec<Value>>>() {
        Some(values) if errors.is_empty() => Ok(values),
        _ => Err(errors),
    }
}

fn same_origin(one: Origin<'_>, other: Origin<'_>) -> bool {
    matches!((one, other), (Origin::Set, Origin::Set) | (Origin::Document(_), Origin::Document(_)))
}

fn missing_field(field: &InputField, document: Option<&Document>) -> String {
    let InputField { name, ty, .. } = field;
    match document {
        Some(document) => format!("{}: the field `{name}: {ty}` is missing", document.origin),
        None => format!(
            "the field `{name}: {ty}` is missing: give it with `--set {name}=..`, or all fields with `--input FILE`"
        ),
    }
}

fn unknown_field(given: &FieldInput<'_>, fields: &[InputField]) -> String {
    let near = nearest(given.name, fields.iter().map(|field| field.name));
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let all: Vec<String> =
        fields.iter().map(|field| format!("`{}: {}`", field.name, field.ty)).collect();
    let all = match all.split_last() {
        None => "the pipeline takes none".to_owned(),
        Some((only, [])) => format!("there is only {only}"),
        Some((last, others)) => format!("there are {} and {last}", others.join(", ")),
    };
    format!("{} is no field of the pipeline; {near}{all}", given.label())
}

impl FieldInput<'_> {
    /// The name, with the place of the key.
    fn label(&self) -> String {
        match self.origin {
            Origin::Set => format!("--set: `{}`", self.name),
            Origin::Document(document) => {
                let key = position::key_start(
                    &document.text,
                    position::offset_of(&document.text, self.json),
                );
                format!("{}: `{}`", document.at(key), self.name)
            }
        }
    }

    fn read(&self, field: &InputField) -> Result<Value, Vec<String>> {
        let Some(read) = field.read else {
            return Err(vec![format!(
                "{} cannot be given: `{}` is not read from JSON; leave the field out, for its default",
                self.label(),
                field.ty
            )]);
        };
        let json_error = match (read(self.json), self.origin) {
            (Ok(value), _) => return Ok(value),
            (Err(json_error), Origin::Document(_)) => json_error,
            (Err(json_error), Origin::Set) => match self.read_text(read, json_error) {
                Ok(value) => return Ok(value),
                Err(Text(json_error)) => return Err(vec![self.mistake_text(&json_error, None)]),
                Err(Json(json_error)) => json_error,
            },
        };
        let mistakes = mistakes::find_all(read, self.json, json_error);
        Err(mistakes.iter().map(|it| self.mistake_text(&it.json_error, Some(it.at))).collect())
    }

    /// Reads the value of a `--set` as a text without quotes.
    fn read_text(&self, read: ReadJson, as_json: FieldJsonError) -> Result<Value, SetError> {
        let is_json = serde_json::from_str::<&RawValue>(self.json).is_ok();
        match read(&serde_json::Value::from(self.json).to_string()) {
            Ok(value) => Ok(value),
            Err(as_text) if !is_json => Err(Text(as_text)),
            Err(_) => Err(Json(as_json)),
        }
    }

    /// The message for a mistake: its place, its path inside of the field, and what is wrong.
    fn mistake_text(&self, json_error: &FieldJsonError, at: Option<usize>) -> String {
        let place = match (self.origin, at) {
            (Origin::Document(document), Some(at)) => {
                document.at(position::offset_of(&document.text, self.json) + at)
            }
            _ => "--set".to_owned(),
        };
        let hint = hint(&json_error.message);
        format!("{place}: `{}{}`: {}{hint}", self.name, json_error.path, json_error.message)
    }
}

/// Why the value of a `--set` cannot be read, as a text or as JSON.
enum SetError {
    Text(FieldJsonError),
    Json(FieldJsonError),
}
use SetError::{Json, Text};

/// "did you mean", where a message lists what it knows: "unknown field `a`, expected `b` or `c`".
fn hint(message: &str) -> String {
    if !message.starts_with("unknown ") {
        return String::new();
    }
    let mut words = message.split('`').skip(1).step_by(2);
    let near = words.next().and_then(|word| nearest(word, words));
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}
