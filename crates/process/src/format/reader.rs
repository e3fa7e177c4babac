//! Reads what postcard has written, and copies all texts and bytes.
//!
//! postcard's own reader hands out texts and bytes that borrow from its input. A reader that copies
//! them can deserialise for any lifetime, so for `'static`, which is what a
//! [`TaskHost`](nexus_core::TaskHost) asks for.

use std::fmt::{self, Display};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::NOT_SELF_DESCRIBING;

/// Why a value cannot be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// There are too few of them, or they are not what postcard writes.
    Malformed,
    /// The type can only be read from a self-describing format.
    SelfDescribing,
    /// The type's `Deserialize` has refused the value, with this message.
    Custom(String),
}

impl Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str(
                "what its `Serialize` writes is not what its `Deserialize` reads; \
                 `#[serde(skip_serializing_if)]` is such a case",
            ),
            Self::SelfDescribing => f.write_str(NOT_SELF_DESCRIBING),
            Self::Custom(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ReadError {}

impl serde::de::Error for ReadError {
    fn custom<T: Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

type Result<T> = std::result::Result<T, ReadError>;

/// Reads values from the front of some bytes.
pub(crate) struct Reader<'b>(pub(crate) &'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ReadError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| ReadError::Malformed)
    }

    fn byte(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    /// Seven bits a byte, the lowest first. Most numbers are one byte.
    fn varint(&mut self) -> Result<u128> {
        if let Some((byte @ ..0x80, rest)) = self.0.split_first() {
            self.0 = rest;
            return Ok(u128::from(*byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u128> {
        // What fits into a register is quicker there.
        let mut short = 0;
        for (count, byte) in self.0.iter().enumerate().take(u64::BITS as usize / 7) {
            short |= u64::from(byte & 0x7f) << (7 * count);
            if byte & 0x80 == 0 {
                self.0 = self.0.get(count + 1..).unwrap_or_default();
                return Ok(u128::from(short));
            }
        }
        let mut number = 0;
        for shift in (0..u128::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u128::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(ReadError::Malformed)
    }

    fn number<T: TryFrom<u128>>(&mut self) -> Result<T> {
        T::try_from(self.varint()?).map_err(|_| ReadError::Malformed)
    }

    /// Small numbers of either sign are few bytes: 0, -1, 1, -2 ..
    fn signed<T: TryFrom<i128>>(&mut self) -> Result<T> {
        let number = self.varint()?;
        let signed = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
        T::try_from(signed).map_err(|_| ReadError::Malformed)
    }

    fn text(&mut self) -> Result<&'b str> {
        let length = self.number()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| ReadError::Malformed)
    }

    fn bytes(&mut self) -> Result<&'b [u8]> {
        let length = self.number()?;
        self.take(length)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $read:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            visitor.$visit(self.$read()?)
        }
    )+};
}

impl<'de> Deserializer<'de> for &mut Reader<'_> {
    type Error = ReadError;

    fn is_human_readable(&self) -> bool {
        false
    }

    numbers! {
        deserialize_u8 visit_u8 byte
        deserialize_u16 visit_u16 number
        deserialize_u32 visit_u32 number
        deserialize_u64 visit_u64 number
        deserialize_u128 visit_u128 number
        deserialize_i16 visit_i16 signed
        deserialize_i32 visit_i32 signed
        deserialize_i64 visit_i64 signed
        deserialize_i128 visit_i128 signed
        deserialize_str visit_str text
        deserialize_string visit_str text
        deserialize_bytes visit_bytes bytes
        deserialize_byte_buf visit_bytes bytes
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            _ => Err(ReadError::Malformed),
        }
    }
    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i8(self.byte()?.cast_signed())
    }
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f32(f32::from_le_bytes(self.array()?))
    }
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f64(f64::from_le_bytes(self.array()?))
    }
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let mut chars = self.text()?.chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) => visitor.visit_char(only),
            _ => Err(ReadError::Malformed),
        }
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.byte()? {
            0 => visitor.visit_none(),
            1 => visitor.visit_some(self),
            _ => Err(ReadError::Malformed),
        }
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_unit()
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let left = self.number()?;
        visitor.visit_seq(Elements { reader: self, left })
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Elements { reader: self, left })
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        left: usize,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_seq(Elements { reader: self, left })
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let left = self.number()?;
        visitor.visit_map(Elements { reader: self, left })
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_seq(Elements { reader: self, left: fields.len() })
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(self)
    }
    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(ReadError::SelfDescribing)
    }
    fn deserialize_identifier<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(ReadError::SelfDescribing)
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(ReadError::SelfDescribing)
    }
}

/// The elements of a sequence, or the entries of a map.
struct Elements<'r, 'b> {
    reader: &'r mut Reader<'b>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Elements<'_, '_> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.next_element_seed(seed)
    }
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(&mut *self.reader)
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> EnumAccess<'de> for &mut Reader<'_> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        let variant: u32 = self.number()?;
        Ok((seed.deserialize(variant.into_deserializer())?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<()> {
        Ok(())
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self)
    }
    fn tuple_variant<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Elements { reader: self, left })
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_seq(Elements { reader: self, left: fields.len() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::Reader;
    use crate::format::Writer;

    fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
        value.serialize(&mut Writer(out)).unwrap();
    }

    fn read<T: Deserialize<'static>>(input: &mut &[u8]) -> Result<T, String> {
        let mut reader = Reader(input);
        let value = T::deserialize(&mut reader).map_err(|error| error.to_string())?;
        *input = reader.0;
        Ok(value)
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Unit;
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Newtype(i8);
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Point,
        Circle(f64),
        Rectangle(f32, u128),
        Named { name: String, label: Option<char>, inner: Option<Box<Shape>> },
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Everything {
        flag: bool,
        small: (u8, u16, u32, u64, usize),
        signed: (i16, i32, i64, i128),
        texts: Vec<String>,
        map: BTreeMap<i64, Vec<u8>>,
        shapes: Vec<Shape>,
        unit: (Unit, (), Newtype),
        result: Result<u32, String>,
        duration: std::time::Duration,
    }

    fn shape() -> impl Strategy<Value = Shape> {
        let leaf = prop_oneof![
            Just(Shape::Point),
            (-1e9..1e9).prop_map(Shape::Circle),
            (-1e9_f32..1e9, any::<u128>()).prop_map(|(a, b)| Shape::Rectangle(a, b)),
        ];
        leaf.prop_recursive(3, 8, 1, |inner| {
            let inner = prop::option::of(inner.prop_map(Box::new));
            (".{0,9}", any::<Option<char>>(), inner).prop_map(|(name, label, inner)| Shape::Named {
                name,
                label,
                inner,
            })
        })
    }

    /// Some of what may be, and not so much of it that a run takes long.
    fn few<T: Strategy>(of: T) -> impl Strategy<Value = Vec<T::Value>> {
        prop::collection::vec(of, 0..4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn what_postcard_writes_is_read_again_to_the_last_byte(
            flag in any::<bool>(),
            small in any::<(u8, u16, u32, u64, usize)>(),
            signed in any::<(i16, i32, i64, i128)>(),
            texts in few(".{0,9}"),
            map in prop::collection::btree_map(any::<i64>(), few(any::<u8>()), 0..4),
            shapes in few(shape()),
            number in any::<i8>(),
            result in prop::result::maybe_ok(any::<u32>(), ".{0,9}"),
            duration in any::<std::time::Duration>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let unit = (Unit, (), Newtype(number));
            let all =
                Everything { flag, small, signed, texts, map, shapes, unit, result, duration };
            let mut bytes = Vec::new();
            write(&all, &mut bytes);
            prop_assert_eq!(&bytes, &postcard::to_allocvec(&all).unwrap());
            bytes.push(9);
            let mut input = &bytes[..];
            prop_assert_eq!(read::<Everything>(&mut input).unwrap(), all);
            prop_assert_eq!(input, &[9]);
            // Nor does it read what is not there.
            let cut = cut.index(bytes.len() - 1);
            prop_assert!(read::<Everything>(&mut &bytes[..cut]).is_err());
        }

        #[test]
        fn bytes_that_nobody_wrote_are_an_error_and_never_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..64)
        ) {
            let _ = read::<Everything>(&mut &bytes[..]);
            let _ = read::<Vec<Shape>>(&mut &bytes[..]);
            let _ = read::<HashSet<String>>(&mut &bytes[..]);
        }
    }

    #[test]
    fn what_would_borrow_is_refused_with_a_reason() {
        let mut bytes = Vec::new();
        write("text", &mut bytes);
        let error = read::<&'static str>(&mut &bytes[..]).unwrap_err();
        assert!(error.contains("borrowed string"), "{error}");
    }
}
