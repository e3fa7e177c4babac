//! Two values in a row, of which the second needs to be told how it is read.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};

/// Reads what a tuple of two was serialised to: the first by its type, the second by a seed.
pub(crate) struct Pair<A, S> {
    second: S,
    first: PhantomData<A>,
}

impl<A, S> Pair<A, S> {
    pub(crate) fn new(second: S) -> Self {
        Self { second, first: PhantomData }
    }
}

impl<'de, A: Deserialize<'de>, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Pair<A, S> {
    type Value = (A, S::Value);

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_tuple(2, self)
    }
}

impl<'de, A: Deserialize<'de>, S: DeserializeSeed<'de>> Visitor<'de> for Pair<A, S> {
    type Value = (A, S::Value);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("two values")
    }

    fn visit_seq<Q: SeqAccess<'de>>(self, mut seq: Q) -> Result<Self::Value, Q::Error> {
        let first = seq.next_element()?.ok_or_else(|| Q::Error::invalid_length(0, &"2"))?;
        let second = seq.next_element_seed(self.second)?;
        Ok((first, second.ok_or_else(|| Q::Error::invalid_length(1, &"2"))?))
    }
}
