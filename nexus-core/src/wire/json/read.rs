//! Reading a value.

use serde::de::DeserializeSeed;
use serde_path_to_error::Track;

use super::JsonError;
use super::owned::Owned;
use crate::input::FieldJsonError;
use crate::panic;

/// What the seed makes of the text.
///
/// # Errors
///
/// If the text is none that the seed reads.
pub(crate) fn from_json<S>(seed: S, text: &str) -> Result<S::Value, JsonError>
where
    S: DeserializeSeed<'static> + Copy,
{
    // Deserialize is user code.
    match panic::contain(|| read(seed, text)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let path = panic::contain(|| place(seed, text)).unwrap_or_default();
            Err(JsonError { path, what: FieldJsonError::new(Vec::new(), &error).message })
        }
        Err(panic) => Err(JsonError { path: String::new(), what: panic.to_string() }),
    }
}

fn read<S: DeserializeSeed<'static>>(seed: S, text: &str) -> serde_json::Result<S::Value> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(Owned::new(&mut json))?;
    json.end()?;
    Ok(value)
}

/// Where the reader stops. To follow where it is costs time, so that is done for a text that is
/// known to be wrong.
fn place<S: DeserializeSeed<'static>>(seed: S, text: &str) -> String {
    let (mut json, mut track) = (serde_json::Deserializer::from_str(text), Track::new());
    let json = serde_path_to_error::Deserializer::new(Owned::new(&mut json), &mut track);
    if seed.deserialize(json).is_ok() {
        return String::new();
    }
    let path = track.path().to_string();
    // `?` is what the reader could not give a name, such as a key of another type.
    path.trim_end_matches('?').trim_end_matches('.').to_owned()
}
