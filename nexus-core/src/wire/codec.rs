//! Values as bytes.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Codec;
use super::errors;
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

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Wire for T {
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

pub(super) fn read<'a, T: serde::Deserialize<'a>>(input: &mut &'a [u8]) -> Result<T, String> {
    let (value, rest) = postcard::take_from_bytes(input).map_err(|error| explain(&error))?;
    *input = rest;
    Ok(value)
}

/// What the user can do about it.
fn explain(error: &postcard::Error) -> String {
    use postcard::Error::{
        SerdeDeCustom, SerdeSerCustom, SerializeSeqLengthUnknown, WontImplement,
    };
    match error {
        WontImplement | SerializeSeqLengthUnknown => format!(
            "{error}: the format says nothing of its own structure, so `serde_json::Value`, \
             `#[serde(untagged)]`, `#[serde(flatten)]` and sequences of unknown length do not cross"
        ),
        SerdeSerCustom | SerdeDeCustom => {
            "its `Serialize` or `Deserialize` returned an error".to_owned()
        }
        error => format!(
            "{error}: what its `Serialize` writes is not what its `Deserialize` reads; \
             `#[serde(skip_serializing_if)]` is such a case"
        ),
    }
}
