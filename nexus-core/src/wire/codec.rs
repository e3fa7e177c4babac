//! Values of one type in any serde format.

use std::any::TypeId;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_bytes::{ByteBuf, Bytes};

use crate::secret::Purpose;
use crate::value::Value;

/// Serialises and deserialises values of one type, in whatever format.
///
/// A `Vec<u8>` is written as bytes where the format has such; element by element, 200 MB take more
/// than a second.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Codec {
    borrow: for<'v> fn(&'v Value) -> Option<ValueRef<'v>>,
    borrow_item: for<'v> fn(&'v Value, usize) -> Option<ValueRef<'v>>,
    read: fn(&mut dyn erased_serde::Deserializer<'static>) -> Result<Value, erased_serde::Error>,
}

/// A value on its way into a serde format.
pub(crate) enum ValueRef<'v> {
    Bytes(&'v [u8]),
    Any(&'v dyn erased_serde::Serialize),
}

impl Serialize for ValueRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bytes(bytes) => Bytes::new(bytes).serialize(serializer),
            Self::Any(value) => Purpose::send(|| value.serialize(serializer)),
        }
    }
}

impl Codec {
    pub(in crate::wire) const fn of<T>() -> Self
    where
        T: Serialize + Deserialize<'static> + Send + Sync + 'static,
    {
        Self { borrow: borrow::<T>, borrow_item: borrow_item::<T>, read: read::<T> }
    }

    /// The value, to be serialised; `None` if it has another type.
    pub(crate) fn borrow<'v>(&self, value: &'v Value) -> Option<ValueRef<'v>> {
        (self.borrow)(value)
    }

    /// An item of a list of such values.
    pub(super) fn borrow_item<'v>(&self, list: &'v Value, index: usize) -> Option<ValueRef<'v>> {
        (self.borrow_item)(list, index)
    }
}

fn is_bytes<T: 'static>() -> bool {
    TypeId::of::<T>() == TypeId::of::<Vec<u8>>()
}

fn borrow<T: Serialize + 'static>(value: &Value) -> Option<ValueRef<'_>> {
    if is_bytes::<T>() {
        return value.get::<Vec<u8>>().map(|bytes| ValueRef::Bytes(bytes));
    }
    value.get::<T>().map(|value| ValueRef::Any(value))
}

fn borrow_item<T: Serialize + 'static>(list: &Value, index: usize) -> Option<ValueRef<'_>> {
    if is_bytes::<T>() {
        return list.get::<Vec<Vec<u8>>>()?.get(index).map(|bytes| ValueRef::Bytes(bytes));
    }
    list.get::<Vec<T>>()?.get(index).map(|item| ValueRef::Any(item))
}

fn read<T: Deserialize<'static> + Send + Sync + 'static>(
    from: &mut dyn erased_serde::Deserializer<'static>,
) -> Result<Value, erased_serde::Error> {
    if is_bytes::<T>() {
        return erased_serde::deserialize::<ByteBuf>(from).map(|it| Value::new(it.into_vec()));
    }
    erased_serde::deserialize::<T>(from).map(Value::new)
}

impl DeserializeSeed<'static> for Codec {
    type Value = Value;

    fn deserialize<D: Deserializer<'static>>(self, from: D) -> Result<Value, D::Error> {
        let mut from = <dyn erased_serde::Deserializer<'static>>::erase(from);
        (self.read)(&mut from).map_err(D::Error::custom)
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codec(..)")
    }
}
