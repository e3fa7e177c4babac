//! A run's input as one JSON object: `{"order": {..}, "currency": "EUR"}`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Serialize, Serializer};

use super::{Field, Fields};
use crate::panic;
use crate::value::Value;
use crate::wire::{JsonError, from_json, to_json};

impl Fields {
    /// The values of all fields, in their order, as one JSON object.
    ///
    /// # Errors
    ///
    /// If a field's type cannot be written, or its value would not be the same when it is read.
    pub(crate) fn write_json(&self, values: &[Value], limit: usize) -> Result<String, JsonError> {
        to_json(&FieldValues(self, values), limit)
    }

    /// The values of all fields, in their order, of a JSON object. What is missing there is what
    /// its default says.
    ///
    /// # Errors
    ///
    /// If a value is none of its field's type, a field without a default is missing, or there is
    /// one more.
    pub(crate) fn read_json(&self, text: &str) -> Result<Vec<Value>, JsonError> {
        from_json(FieldsSeed(self), text)
    }
}

struct FieldValues<'a>(&'a Fields, &'a [Value]);

impl Serialize for FieldValues<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Fields(fields), values) = self;
        let mut map = serializer.serialize_map(Some(fields.len()))?;
        for (field, value) in fields.iter().zip(*values) {
            let Some(codec) = field.transfer.codec() else {
                return Err(S::Error::custom(field.unwritable()));
            };
            let value = codec.borrow(value).ok_or_else(|| {
                S::Error::custom(format_args!("`{}` is no `{:?}`", field.name, field.ty))
            })?;
            map.serialize_entry(&*field.name, &value)?;
        }
        map.end()
    }
}

#[derive(Clone, Copy)]
struct FieldsSeed<'a>(&'a Fields);

impl DeserializeSeed<'static> for FieldsSeed<'_> {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'static>>(self, from: D) -> Result<Vec<Value>, D::Error> {
        from.deserialize_map(self)
    }
}

impl Visitor<'static> for FieldsSeed<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the pipeline's fields")
    }

    fn visit_map<A: MapAccess<'static>>(self, mut map: A) -> Result<Vec<Value>, A::Error> {
        let Self(fields) = self;
        let mut values: Vec<Option<Value>> = vec![None; fields.0.len()];
        while let Some(name) = map.next_key::<String>()? {
            let Some(index) = fields.names().position(|field| field == name) else {
                map.next_value::<IgnoredAny>()?;
                return Err(A::Error::custom(fields.unknown(&name)));
            };
            let field = &fields.0[index];
            let Some(codec) = field.transfer.codec() else {
                return Err(A::Error::custom(field.unwritable()));
            };
            let value = map.next_value_seed(*codec)?;
            if values[index].replace(value).is_some() {
                return Err(A::Error::custom(format_args!("the field `{name}` is given twice")));
            }
        }
        let given = fields.0.iter().zip(values);
        given.map(|(field, value)| value.map_or_else(|| missing(field), Ok)).collect()
    }
}

/// The value of a field that is not there.
fn missing<E: serde::de::Error>(field: &Field) -> Result<Value, E> {
    let Field { name, ty, default, .. } = field;
    let Some(default) = default else {
        return Err(E::custom(format_args!("the field `{name}: {ty:?}` is missing")));
    };
    // A default is the user's code.
    panic::contain(|| default())
        .map_err(|error| E::custom(format_args!("the default of `{name}`: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Order {
        id: u32,
        lines: Vec<f64>,
    }

    fn fields() -> Fields {
        Fields::new()
            .with_serde::<Order>("order")
            .with_serde_default("currency", || "EUR".to_owned())
    }

    fn written(values: &[Value]) -> Result<String, String> {
        fields().write_json(values, 1000).map_err(|error| error.to_string())
    }

    fn refused(fields: &Fields, text: &str) -> String {
        fields.read_json(text).unwrap_err().to_string()
    }

    #[test]
    fn a_runs_input_comes_back_as_it_was() {
        let order = Order { id: 7, lines: vec![0.1, 1e300] };
        let text = written(&[Value::new(order), Value::new("USD".to_owned())]).unwrap();
        assert_eq!(text, r#"{"order":{"id":7,"lines":[0.1,1e+300]},"currency":"USD"}"#);
        let values = fields().read_json(&text).unwrap();
        assert_eq!(values[0].get(), Some(&Order { id: 7, lines: vec![0.1, 1e300] }));
        assert_eq!(values[1].get(), Some(&"USD".to_owned()));
    }

    #[test]
    fn a_field_that_was_added_since_takes_its_default() {
        let values = fields().read_json(r#"{"order": {"id": 7, "lines": []}}"#).unwrap();
        assert_eq!(values[1].get(), Some(&"EUR".to_owned()));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, message) in [
            (r#"{"currency": "EUR"}"#, "the field `order: Order` is missing"),
            (
                r#"{"order": {"id": 7, "lines": [1, "x"]}}"#,
                r#"order.lines[1]: expected f64, found string "x""#,
            ),
            (
                r#"{"order": {"id": 7, "lines": []}, "orders": 1}"#,
                "there is no field `orders`; did you mean `order`?",
            ),
            (r#"{"currency": "A", "currency": "B"}"#, "the field `currency` is given twice"),
            ("[]", "expected an object with the pipeline's fields, found sequence"),
            (r#"{"order": "#, "order: EOF while parsing a value"),
            (r#"{"order": {"id": 7, "lines": []}} x"#, "trailing characters"),
        ] {
            assert_eq!(refused(&fields(), text), message, "{text}");
        }
        let fails = || -> u8 { std::panic::panic_any("no default") };
        let fields = Fields::new().with_serde_default("n", fails);
        let error = refused(&fields, "{}");
        assert!(
            error.starts_with("the default of `n`: ") && error.contains("no default"),
            "{error}"
        );
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let order = Order { id: 7, lines: vec![1.0, f64::NAN] };
        let error = written(&[Value::new(order), Value::new("USD".to_owned())]).unwrap_err();
        assert_eq!(error, "order.lines[1]: NaN cannot be written as JSON");
        let fields = Fields::new().with::<String>("city");
        let error = fields.write_json(&[Value::new(String::new())], 1000).unwrap_err().to_string();
        assert!(error.contains("the field `city: String` cannot be written down"), "{error}");
        assert!(refused(&fields, r#"{"city": ""}"#).contains("cannot be written down"));
    }
}
