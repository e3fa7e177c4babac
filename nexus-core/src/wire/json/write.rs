//! Writing a value.

use std::io;

use serde::Serialize;

use super::strict::Strict;
use super::{JsonError, path};
use crate::panic;
use crate::secret::Purpose;

/// How long most texts are at most. Many are kept at once, until they are committed: the C library has
/// memory of up to 120 bytes ready in any number, and puts that of longer ones together again each time.
const EXPECTED: usize = 112;

/// The value as a JSON text of at most `limit` bytes.
///
/// # Errors
///
/// If it is longer, or would not be the same value when it is read.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T, limit: usize) -> Result<String, JsonError> {
    let mut output = Output { text: Vec::with_capacity(EXPECTED), limit, is_full: false };
    // Serialize is user code.
    let written = panic::contain(|| {
        Purpose::record(|| {
            value.serialize(Strict::new(&mut serde_json::Serializer::new(&mut output)))
        })
    });
    let what = match written {
        Ok(Ok(())) => match String::from_utf8(output.text) {
            Ok(text) => return Ok(text),
            Err(error) => return Err(JsonError { path: String::new(), what: error.to_string() }),
        },
        _ if output.is_full => {
            let what = format!("it is longer than {} as JSON, which is the limit", size(limit));
            return Err(JsonError { path: String::new(), what });
        }
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panic.to_string(),
    };
    Err(JsonError { path: path::of_unfinished(&output.text), what })
}

/// What has been written.
struct Output {
    text: Vec<u8>,
    limit: usize,
    /// Whether it would have become longer than the limit.
    is_full: bool,
}

impl io::Write for Output {
    #[inline]
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        self.write_all(more)?;
        Ok(more.len())
    }

    #[inline]
    fn write_all(&mut self, more: &[u8]) -> io::Result<()> {
        if more.len() > self.limit - self.text.len() {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(more);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A number of bytes, in words.
fn size(bytes: usize) -> String {
    const UNITS: [(&str, usize); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = UNITS.iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit));
    match unit {
        Some((name, unit)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} bytes"),
    }
}
