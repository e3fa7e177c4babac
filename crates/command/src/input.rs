//! A pipeline's fields, read from JSON.

use std::io::Read;
use std::path::Path;

use nexus_core::__private::{InputField, Misread, ReadJson, Value};
use nexus_pointy::suggest::nearest;
use serde_json::value::RawValue;

use crate::locate::{self, Members};
use crate::mistakes;

/// A JSON text and what to call it.
pub(crate) struct Document {
    origin: String,
    text: String,
}

/// What was given for one field, and where, for messages.
struct Given<'a> {
    name: &'a str,
    json: &'a str,
    place: Place<'a>,
}

#[derive(Clone, Copy)]
enum Place<'a> {
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
        // Some editors begin a file so.
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        Ok(Self { origin, text })
    }

    /// `orders.json:3:7`
    fn at(&self, byte: usize) -> String {
        let (line, column) = locate::place(&self.text, byte);
        format!("{}:{line}:{column}", self.origin)
    }

    /// The members of the object that the text is, or what is wrong with it.
    fn members(&self, fields: &[InputField]) -> Result<Vec<(String, &RawValue)>, String> {
        if self.text.trim().is_empty() {
            let origin = &self.origin;
            return Err(format!("{origin}: expected a JSON object, found nothing"));
        }
        match serde_json::from_str::<Members<'_>>(&self.text) {
            Ok(members) => Ok(members.0),
            Err(error) => {
                let misread = Misread::new(Vec::new(), &error);
                let place = self.at(locate::byte(&self.text, misread.line, misread.column));
                let is_object = self.text.trim_start().starts_with('{');
                if error.is_data() && !is_object {
                    let names: Vec<String> =
                        fields.iter().map(|field| format!("\"{}\": ..", field.name)).collect();
                    let shape = names.join(", ");
                    return Err(format!(
                        "{}: expected a JSON object with the pipeline's fields, {{{shape}}}; {}",
                        self.origin,
                        misread.message.rsplit_once(", ").map_or("", |(_, found)| found)
                    ));
                }
                Err(format!("{place}: broken JSON: {}", misread.message))
            }
        }
    }
}

/// The values of all `fields` in their order, or everything that is wrong with what was given.
pub(crate) fn values(
    fields: &'static [InputField],
    document: Option<&Document>,
    sets: &[(String, String)],
) -> Result<Vec<Value>, Vec<String>> {
    let mut complaints = Vec::new();
    let members = match document.map(|document| document.members(fields)) {
        None => Vec::new(),
        Some(Ok(members)) => members,
        // What is not known to be missing is not complained about.
        Some(Err(broken)) => return Err(vec![broken]),
    };
    let from_document = members.iter().filter_map(|(name, raw)| {
        let place = Place::Document(document?);
        Some(Given { name, json: raw.get(), place })
    });
    let from_sets = sets.iter().map(|(name, json)| Given { name, json, place: Place::Set });
    let given: Vec<Given<'_>> = from_document.chain(from_sets).collect();
    let mut values: Vec<Option<Value>> = vec![None; fields.len()];
    let mut mentioned = vec![false; fields.len()];
    for (index, it) in given.iter().enumerate() {
        let twice = |other: &&Given<'_>| other.name == it.name && same(other.place, it.place);
        if given.iter().take(index).any(|other| twice(&other)) {
            complaints.push(format!("{} is given twice: keep one of the two", it.called()));
            continue;
        }
        let Some(at) = fields.iter().position(|field| field.name == it.name) else {
            complaints.push(unknown(it, fields));
            continue;
        };
        let overridden =
            matches!(it.place, Place::Document(_)) && sets.iter().any(|(name, _)| name == it.name);
        let (Some(field), false) = (fields.get(at), overridden) else { continue };
        if let Some(mentioned) = mentioned.get_mut(at) {
            *mentioned = true;
        }
        match (it.read(field), values.get_mut(at)) {
            (Ok(value), Some(place)) => *place = Some(value),
            (Ok(_), None) => {}
            (Err(mistakes), _) => complaints.extend(mistakes),
        }
    }
    for ((field, value), mentioned) in fields.iter().zip(&mut values).zip(mentioned) {
        match field.default {
            _ if mentioned => {}
            Some(default) => *value = Some((default.make)()),
            None => complaints.push(missing(field, document)),
        }
    }
    match values.into_iter().collect::<Option<Vec<Value>>>() {
        Some(values) if complaints.is_empty() => Ok(values),
        _ => Err(complaints),
    }
}

fn same(one: Place<'_>, other: Place<'_>) -> bool {
    matches!((one, other), (Place::Set, Place::Set) | (Place::Document(_), Place::Document(_)))
}

fn missing(field: &InputField, document: Option<&Document>) -> String {
    let InputField { name, ty, .. } = field;
    match document {
        Some(document) => format!("{}: the field `{name}: {ty}` is missing", document.origin),
        None => format!(
            "the field `{name}: {ty}` is missing: give it with `--set {name}=..`, or all fields with `--input FILE`"
        ),
    }
}

fn unknown(given: &Given<'_>, fields: &[InputField]) -> String {
    let near = nearest(given.name, fields.iter().map(|field| field.name));
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let all: Vec<String> =
        fields.iter().map(|field| format!("`{}: {}`", field.name, field.ty)).collect();
    let all = match all.split_last() {
        None => "the pipeline takes none".to_owned(),
        Some((only, [])) => format!("there is only {only}"),
        Some((last, others)) => format!("there are {} and {last}", others.join(", ")),
    };
    format!("{} is no field of the pipeline; {near}{all}", given.called())
}

impl Given<'_> {
    /// The name, with the place of the key.
    fn called(&self) -> String {
        match self.place {
            Place::Set => format!("--set: `{}`", self.name),
            Place::Document(document) => {
                let key = locate::key(&document.text, locate::offset(&document.text, self.json));
                format!("{}: `{}`", document.at(key), self.name)
            }
        }
    }

    fn read(&self, field: &InputField) -> Result<Value, Vec<String>> {
        let Some(read) = field.read else {
            return Err(vec![format!(
                "{} cannot be given: `{}` is not read from JSON; leave the field out, for its default",
                self.called(),
                field.ty
            )]);
        };
        let misread = match (read(self.json), self.place) {
            (Ok(value), _) => return Ok(value),
            (Err(misread), Place::Document(_)) => misread,
            (Err(misread), Place::Set) => match self.read_text(read, misread) {
                Ok(value) => return Ok(value),
                Err(Text(misread)) => return Err(vec![self.misread(&misread, None)]),
                Err(Json(misread)) => misread,
            },
        };
        let mistakes = mistakes::all(read, self.json, misread);
        Err(mistakes.iter().map(|it| self.misread(&it.misread, Some(it.at))).collect())
    }

    /// On a command line a text needs no quotes.
    fn read_text(&self, read: ReadJson, as_json: Misread) -> Result<Value, NoValue> {
        let is_json = serde_json::from_str::<&RawValue>(self.json).is_ok();
        match read(&serde_json::Value::from(self.json).to_string()) {
            Ok(value) => Ok(value),
            Err(as_text) if !is_json => Err(Text(as_text)),
            Err(_) => Err(Json(as_json)),
        }
    }

    /// The path inside of the field and the place of what is wrong there.
    fn misread(&self, misread: &Misread, at: Option<usize>) -> String {
        let place = match (self.place, at) {
            (Place::Document(document), Some(at)) => {
                document.at(locate::offset(&document.text, self.json) + at)
            }
            _ => "--set".to_owned(),
        };
        let hint = hint(&misread.message);
        format!("{place}: `{}{}`: {}{hint}", self.name, misread.path, misread.message)
    }
}

/// Why what stands on a command line is no value, read as a text or as JSON.
enum NoValue {
    Text(Misread),
    Json(Misread),
}
use NoValue::{Json, Text};

/// "did you mean", where a message lists what it knows: "unknown field `a`, expected `b` or `c`".
fn hint(message: &str) -> String {
    if !message.starts_with("unknown ") {
        return String::new();
    }
    let mut words = message.split('`').skip(1).step_by(2);
    let near = words.next().and_then(|word| nearest(word, words));
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}
