//! Values as JSON texts, without silent corruption.
//!
//! A durable run is read back from what was written of it, perhaps by a later version of the
//! program. So a value that would come back as another one is refused when it is written, by the
//! place where it is: NaN and the infinities, which JSON knows as `null`; `Some` of what is `null`
//! itself; a map whose keys cannot be texts; what is nested more deeply than the reader follows.
//!
//! The place is worked out when there is a mistake and not before: what was written until then says
//! where the writer was (`path`), and a text that cannot be read is read a second time to see where
//! the reader stops (`read`).

mod owned;
mod path;
mod read;
mod strict;
mod write;

pub(crate) use owned::Owned;
pub(crate) use read::from_json;
pub(crate) use write::to_json;

use std::fmt;

/// How long the text of a recorded value may be, in bytes.
pub(crate) const VALUE_LIMIT: usize = 64 << 20;

/// How deeply arrays and objects may be nested; `serde_json` reads no more.
const DEEPEST: u8 = 127;

/// Why a value cannot be written as JSON, or a text cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// Where inside of it: `orders[3].total`; empty if it is the whole.
    pub(crate) path: String,
    /// What is wrong there.
    pub(crate) what: String,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.path {
            "" => f.write_str(&self.what),
            path => write!(f, "{path}: {}", self.what),
        }
    }
}

#[cfg(test)]
mod tests;
