//! Writes values as postcard does.
//!
//! The crate `postcard` is not used for it, since its errors have no texts: what a value's
//! `Serialize` reports of a mistake would be lost on the way to the user.

use std::fmt::{self, Display};

use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::NOT_SELF_DESCRIBING;

/// Why a value cannot be written.
#[derive(Debug)]
pub(crate) struct WriteError(String);

impl Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WriteError {}

impl serde::ser::Error for WriteError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Result = std::result::Result<(), WriteError>;

/// Appends values to some bytes.
pub(crate) struct Writer<'b>(pub(crate) &'b mut Vec<u8>);

impl Writer<'_> {
    /// Seven bits a byte, the lowest first.
    fn varint(&mut self, number: u128) {
        let Ok(mut short) = u64::try_from(number) else { return self.long_varint(number) };
        while short >= 0x80 {
            self.0.push(short as u8 | 0x80);
            short >>= 7;
        }
        self.0.push(short as u8);
    }

    #[cold]
    fn long_varint(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// Small numbers of either sign are few bytes: 0, -1, 1, -2 ..
    fn signed(&mut self, number: i128) {
        self.varint(((number << 1) ^ (number >> 127)).cast_unsigned());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u128);
        self.0.extend_from_slice(bytes);
    }

    fn length(&mut self, length: Option<usize>) -> std::result::Result<&mut Self, WriteError> {
        let length = length.ok_or_else(|| WriteError::custom(NOT_SELF_DESCRIBING))?;
        self.varint(length as u128);
        Ok(self)
    }

    fn variant(&mut self, index: u32) -> &mut Self {
        self.varint(u128::from(index));
        self
    }
}

macro_rules! numbers {
    ($($method:ident $ty:ty: $write:ident)+) => {$(
        fn $method(self, number: $ty) -> Result {
            self.$write(number.into());
            Ok(())
        }
    )+};
}

impl Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fn is_human_readable(&self) -> bool {
        false
    }

    numbers! {
        serialize_u16 u16: varint
        serialize_u32 u32: varint
        serialize_u64 u64: varint
        serialize_u128 u128: varint
        serialize_i16 i16: signed
        serialize_i32 i32: signed
        serialize_i64 i64: signed
        serialize_i128 i128: signed
    }

    fn serialize_bool(self, flag: bool) -> Result {
        self.serialize_u8(flag.into())
    }
    fn serialize_u8(self, byte: u8) -> Result {
        self.0.push(byte);
        Ok(())
    }
    fn serialize_i8(self, byte: i8) -> Result {
        self.serialize_u8(byte.cast_unsigned())
    }
    fn serialize_f32(self, number: f32) -> Result {
        self.0.extend_from_slice(&number.to_le_bytes());
        Ok(())
    }
    fn serialize_f64(self, number: f64) -> Result {
        self.0.extend_from_slice(&number.to_le_bytes());
        Ok(())
    }
    fn serialize_char(self, c: char) -> Result {
        self.serialize_str(c.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, text: &str) -> Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
    fn serialize_bytes(self, bytes: &[u8]) -> Result {
        self.bytes(bytes);
        Ok(())
    }
    fn serialize_none(self) -> Result {
        self.serialize_u8(0)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        self.0.push(1);
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result {
        Ok(())
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Result {
        Ok(())
    }
    fn serialize_unit_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
    ) -> Result {
        self.variant(index);
        Ok(())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result {
        value.serialize(self.variant(index))
    }
    fn serialize_seq(self, length: Option<usize>) -> std::result::Result<Self, WriteError> {
        self.length(length)
    }
    fn serialize_tuple(self, _length: usize) -> std::result::Result<Self, WriteError> {
        Ok(self)
    }
    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> std::result::Result<Self, WriteError> {
        Ok(self)
    }
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> std::result::Result<Self, WriteError> {
        Ok(self.variant(index))
    }
    fn serialize_map(self, length: Option<usize>) -> std::result::Result<Self, WriteError> {
        self.length(length)
    }
    fn serialize_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> std::result::Result<Self, WriteError> {
        Ok(self)
    }
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> std::result::Result<Self, WriteError> {
        Ok(self.variant(index))
    }
}

macro_rules! parts {
    ($($of:ident: $method:ident)+) => {$(
        impl $of for &mut Writer<'_> {
            type Ok = ();
            type Error = WriteError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
                value.serialize(&mut **self)
            }
            fn end(self) -> Result {
                Ok(())
            }
        }
    )+};
}
parts! {
    SerializeSeq: serialize_element
    SerializeTuple: serialize_element
    SerializeTupleStruct: serialize_field
    SerializeTupleVariant: serialize_field
}

macro_rules! named_parts {
    ($($of:ident)+) => {$(
        impl $of for &mut Writer<'_> {
            type Ok = ();
            type Error = WriteError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _key: &'static str,
                value: &T,
            ) -> Result {
                value.serialize(&mut **self)
            }
            fn end(self) -> Result {
                Ok(())
            }
        }
    )+};
}
named_parts!(SerializeStruct SerializeStructVariant);

impl SerializeMap for &mut Writer<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result {
        key.serialize(&mut **self)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        value.serialize(&mut **self)
    }
    fn end(self) -> Result {
        Ok(())
    }
}
