//! A serializer that refuses what JSON would corrupt, and leaves the rest to the one inside.

use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};

use super::DEEPEST;

/// The serializer inside, and where it is.
pub(super) struct Strict<S> {
    inner: S,
    /// How many arrays and objects are around the value.
    depth: u8,
    /// Whether the value is that of a `Some`.
    in_some: bool,
}

/// A value for the serializer inside, which is to be as strict.
struct Inner<'v, T: ?Sized> {
    value: &'v T,
    depth: u8,
    in_some: bool,
}

/// The parts of a value.
pub(super) struct Parts<P> {
    inner: P,
    /// How many arrays and objects are around each of them.
    depth: u8,
}

impl<S> Strict<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, depth: 0, in_some: false }
    }
}

impl<T: Serialize + ?Sized> Serialize for Inner<'_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        let Self { value, depth, in_some } = *self;
        value.serialize(Strict { inner, depth, in_some })
    }
}

impl<S: Serializer> Strict<S> {
    /// A float, if JSON knows it.
    #[inline]
    fn finite(
        self,
        value: f64,
        write: impl FnOnce(S) -> Result<S::Ok, S::Error>,
    ) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            return write(self.inner);
        }
        let name = match value {
            f64::INFINITY => "infinity",
            f64::NEG_INFINITY => "-infinity",
            _ => "NaN",
        };
        Err(S::Error::custom(format_args!("{name} cannot be written as JSON")))
    }

    /// A `null`, which inside of `Some` would be read as `None`.
    #[inline]
    fn null(self, write: impl FnOnce(S) -> Result<S::Ok, S::Error>) -> Result<S::Ok, S::Error> {
        if self.in_some {
            return Err(S::Error::custom(
                "`Some` of a value that is `null` in JSON would be read as `None`",
            ));
        }
        write(self.inner)
    }

    /// What has parts, inside of `more` arrays and objects of its own.
    #[inline]
    fn parts<P>(
        self,
        more: u8,
        begin: impl FnOnce(S) -> Result<P, S::Error>,
    ) -> Result<Parts<P>, S::Error> {
        let depth = deeper(self.depth, more)?;
        Ok(Parts { inner: begin(self.inner)?, depth })
    }
}

#[inline]
fn deeper<E: serde::ser::Error>(depth: u8, more: u8) -> Result<u8, E> {
    match depth + more {
        depth @ ..=DEEPEST => Ok(depth),
        _ => Err(E::custom(format_args!(
            "it is nested more than {DEEPEST} deep, which cannot be read from JSON"
        ))),
    }
}

/// What is written as it is.
macro_rules! pass_on {
    ($($name:ident($($arg:ident: $ty:ty),*);)*) => {
        $(
            #[inline]
            fn $name(self, $($arg: $ty),*) -> Result<S::Ok, S::Error> {
                self.inner.$name($($arg),*)
            }
        )*
    };
}

impl<S: Serializer> Serializer for Strict<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Parts<S::SerializeSeq>;
    type SerializeTuple = Parts<S::SerializeTuple>;
    type SerializeTupleStruct = Parts<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Parts<S::SerializeTupleVariant>;
    type SerializeMap = Parts<S::SerializeMap>;
    type SerializeStruct = Parts<S::SerializeStruct>;
    type SerializeStructVariant = Parts<S::SerializeStructVariant>;

    pass_on! {
        serialize_bool(value: bool);
        serialize_i8(value: i8);
        serialize_i16(value: i16);
        serialize_i32(value: i32);
        serialize_i64(value: i64);
        serialize_i128(value: i128);
        serialize_u8(value: u8);
        serialize_u16(value: u16);
        serialize_u32(value: u32);
        serialize_u64(value: u64);
        serialize_u128(value: u128);
        serialize_char(value: char);
        serialize_str(value: &str);
        serialize_bytes(value: &[u8]);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.finite(value.into(), |inner| inner.serialize_f32(value))
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.finite(value, |inner| inner.serialize_f64(value))
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.null(S::serialize_none)
    }

    #[inline]
    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.null(S::serialize_unit)
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.null(|inner| inner.serialize_unit_struct(name))
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Inner { value, depth: self.depth, in_some: true })
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let Self { inner, depth, in_some } = self;
        inner.serialize_newtype_struct(name, &Inner { value, depth, in_some })
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = Inner { value, depth: deeper(self.depth, 1)?, in_some: false };
        self.inner.serialize_newtype_variant(name, index, variant, &value)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.parts(1, |inner| inner.serialize_seq(len))
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.parts(1, |inner| inner.serialize_tuple(len))
    }

    #[inline]
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.parts(1, |inner| inner.serialize_tuple_struct(name, len))
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.parts(2, |inner| inner.serialize_tuple_variant(name, index, variant, len))
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.parts(1, |inner| inner.serialize_map(len))
    }

    #[inline]
    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.parts(1, |inner| inner.serialize_struct(name, len))
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.parts(2, |inner| inner.serialize_struct_variant(name, index, variant, len))
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// The parts of a list or a tuple.
macro_rules! items {
    ($($family:ident::$part:ident;)*) => {
        $(
            impl<P: $family> $family for Parts<P> {
                type Ok = P::Ok;
                type Error = P::Error;

                #[inline]
                fn $part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), P::Error> {
                    self.inner.$part(&Inner { value, depth: self.depth, in_some: false })
                }

                #[inline]
                fn end(self) -> Result<P::Ok, P::Error> {
                    self.inner.end()
                }
            }
        )*
    };
}

items! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

/// The parts of a struct.
macro_rules! fields {
    ($($family:ident;)*) => {
        $(
            impl<P: $family> $family for Parts<P> {
                type Ok = P::Ok;
                type Error = P::Error;

                #[inline]
                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    key: &'static str,
                    value: &T,
                ) -> Result<(), P::Error> {
                    let value = Inner { value, depth: self.depth, in_some: false };
                    self.inner.serialize_field(key, &value)
                }

                #[inline]
                fn skip_field(&mut self, key: &'static str) -> Result<(), P::Error> {
                    self.inner.skip_field(key)
                }

                #[inline]
                fn end(self) -> Result<P::Ok, P::Error> {
                    self.inner.end()
                }
            }
        )*
    };
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

impl<P: SerializeMap> SerializeMap for Parts<P> {
    type Ok = P::Ok;
    type Error = P::Error;

    // The keys are texts in JSON; the serializer inside refuses those that cannot be.
    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), P::Error> {
        self.inner.serialize_key(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), P::Error> {
        self.inner.serialize_value(&Inner { value, depth: self.depth, in_some: false })
    }

    #[inline]
    fn end(self) -> Result<P::Ok, P::Error> {
        self.inner.end()
    }
}
