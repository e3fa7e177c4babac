//! Where a writer of JSON was when it stopped.

use std::fmt::Write;

/// A value that is begun and not ended.
enum Open {
    Array(usize),
    /// With the key whose value is being written.
    Object(Option<String>),
}

/// The path to the value that was being written when the text ended: `orders[3].total`.
pub(super) fn of_unfinished(text: &[u8]) -> String {
    let mut open = Vec::new();
    let mut at = 0;
    // The last string, which is a key if a colon follows.
    let mut last = &text[..0];
    while let Some(byte) = text.get(at) {
        match (byte, open.last_mut()) {
            (b'"', _) => {
                let end = end_of_string(text, at);
                last = &text[at..end];
                at = end;
                continue;
            }
            (b'[', _) => open.push(Open::Array(0)),
            (b'{', _) => open.push(Open::Object(None)),
            (b']' | b'}', _) => drop(open.pop()),
            (b',', Some(Open::Array(index))) => *index += 1,
            (b',', Some(Open::Object(key))) => *key = None,
            (b':', Some(Open::Object(key))) => *key = serde_json::from_slice(last).ok(),
            _ => {}
        }
        at += 1;
    }
    let mut path = String::new();
    for value in open {
        // Writing to a text cannot fail.
        let _ = match value {
            Open::Array(index) => write!(path, "[{index}]"),
            Open::Object(Some(key)) if path.is_empty() => write!(path, "{key}"),
            Open::Object(Some(key)) => write!(path, ".{key}"),
            Open::Object(None) => Ok(()),
        };
    }
    path
}

/// The place behind the string that begins at `start`.
fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        match text.get(at) {
            None => return text.len(),
            Some(b'"') => return at + 1,
            Some(b'\\') => at = (at + 2).min(text.len()),
            Some(_) => at += 1,
        }
    }
}
