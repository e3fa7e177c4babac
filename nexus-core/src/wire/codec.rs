//! Values as bytes.

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use super::Codec;
use super::errors;
use super::reader::{Reader, Unread};
use crate::outcome::Failure;
use crate::value::Value;

/// What can be written for another process and read there.
#[doc(hidden)]
pub trait Wire: Sized + Send + Sync + 'static {
    /// # Errors
    ///
    /// If the value cannot be written.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String>;
    /// # Errors
    ///
    /// If the bytes are not those of a value.
    fn decode(input: &mut &[u8]) -> Result<Self, String>;
}

impl<T: Serialize + Deserialize<'static> + Send + Sync + 'static> Wire for T {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String> {
        write(self, out)
    }
    fn decode(input: &mut &[u8]) -> Result<Self, String> {
        read(input)
    }
}

impl Wire for Failure {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String> {
        errors::write_failure(self, None, &errors::Witness::NONE, out)
    }
    fn decode(input: &mut &[u8]) -> Result<Self, String> {
        errors::read_failure(None, input)
    }
}

impl Codec {
    pub(super) const fn of<T: Wire>() -> Self {
        Self {
            encode: |value, out| {
                value.get::<T>().ok_or("it has another type than was planned")?.encode(out)
            },
            decode: |input| T::decode(input).map(Value::new),
        }
    }

    pub(super) fn write(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
        (self.encode)(value, out)
    }

    pub(super) fn read(&self, input: &mut &[u8]) -> Result<Value, String> {
        (self.decode)(input)
    }
}

/// postcard's own writer to a `Vec` goes byte by byte.
struct Appended<'a>(&'a mut Vec<u8>);

impl Flavor for Appended<'_> {
    type Output = ();
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }
    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }
    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), String> {
    postcard::serialize_with_flavor(value, Appended(out)).map_err(|error| explain(&error))
}

pub(super) fn read<T: Deserialize<'static>>(input: &mut &[u8]) -> Result<T, String> {
    let mut reader = Reader(input);
    let value = T::deserialize(&mut reader).map_err(|error| unread(&error))?;
    *input = reader.0;
    Ok(value)
}

const OPEN: &str = "the format says nothing of its own structure, so `serde_json::Value`, \
    `#[serde(untagged)]`, `#[serde(flatten)]` and sequences of unknown length do not cross";

/// What the user can do about it.
fn explain(error: &postcard::Error) -> String {
    use postcard::Error::{SerializeSeqLengthUnknown, WontImplement};
    match error {
        WontImplement | SerializeSeqLengthUnknown => OPEN.to_owned(),
        _ => "its `Serialize` returned an error".to_owned(),
    }
}

fn unread(error: &Unread) -> String {
    match error {
        Unread::SelfDescribing => OPEN.to_owned(),
        Unread::Malformed => "what its `Serialize` writes is not what its `Deserialize` reads; \
                              `#[serde(skip_serializing_if)]` is such a case"
            .to_owned(),
        Unread::Refused(message) => format!("its `Deserialize` says: {message}"),
    }
}
