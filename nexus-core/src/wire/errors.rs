//! Failures and exceptions, serialised: their texts, and what a retry policy would ask of them.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, VariantAccess, Visitor,
};
use serde::{Deserialize, Serialize, Serializer};

use super::codec::{Codec, ValueRef};
use super::pair::Pair;
use crate::failure::RetryHints;
use crate::outcome::{Exception, ExceptionKind, Failure};
use crate::retry::{ErrorType, RetryPolicy};
use crate::value::Value;

/// Longer chains of errors are cut; nothing but a chain that ends in itself is so long.
const LONGEST_CHAIN: usize = 256;

/// Answers what a retry policy asks of an exception, in the process where its errors are.
pub(crate) struct ErrorClassifier<'a> {
    /// The error types that the program's policies list.
    pub(crate) types: &'a [ErrorType],
    /// The event's own policy.
    pub(crate) policy: Option<&'a RetryPolicy>,
}

impl ErrorClassifier<'_> {
    /// It knows no types but the exception's own.
    pub(crate) const NONE: Self = ErrorClassifier { types: &[], policy: None };

    fn classify(&self, exception: &Exception) -> RetryHints {
        let mut hints = exception.retry_hints().cloned().unwrap_or_default();
        hints.types.extend(exception.error_type().map(str::to_owned));
        for ty in self.types.iter().filter(|ty| ty.is_in(exception)) {
            if !hints.types.iter().any(|known| known == ty.full_name()) {
                hints.types.push(ty.full_name().to_owned());
            }
        }
        // Where it arose in another process, the predicate was asked there.
        if exception.retry_hints().is_none() {
            hints.agreed = self.policy.is_some_and(|policy| policy.agrees(exception));
        }
        hints.retry_after = exception.retry_after();
        hints
    }
}

/// An exception as it is written down.
#[derive(Serialize, Deserialize)]
pub(super) struct ExceptionRecord {
    kind: ExceptionKind,
    message: String,
    location: Option<String>,
    /// The texts of its errors, outermost first.
    chain: Vec<String>,
    hints: RetryHints,
}

impl ExceptionRecord {
    pub(super) fn of(exception: &Exception, classifier: &ErrorClassifier<'_>) -> Self {
        let text = |error: &(dyn std::error::Error + 'static)| error.to_string();
        Self {
            kind: exception.kind(),
            message: exception.message().to_owned(),
            location: exception.location().map(str::to_owned),
            chain: exception.chain().take(LONGEST_CHAIN).map(text).collect(),
            hints: classifier.classify(exception),
        }
    }
}

impl From<ExceptionRecord> for Exception {
    fn from(record: ExceptionRecord) -> Self {
        let ExceptionRecord { kind, message, location, chain, hints } = record;
        Self::remote(kind, message, location, chain, hints)
    }
}

/// Its texts are written, and its errors come back as texts: their types stay behind.
impl Serialize for Exception {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ExceptionRecord::of(self, &ErrorClassifier::NONE).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Exception {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ExceptionRecord::deserialize(deserializer).map(Self::from)
    }
}

/// A failure on its way into a serde format. Its value is written if it is of the event's output
/// type or plain; otherwise the reason says that the value stayed behind.
pub(super) struct FailureRef<'a> {
    pub(super) failure: &'a Failure,
    pub(super) output: Option<&'a Codec>,
    pub(super) classifier: &'a ErrorClassifier<'a>,
}

#[derive(Serialize, Deserialize)]
struct FailureHeader {
    reason: String,
    exception: Option<ExceptionRecord>,
}

/// What a failure carries.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum CarriedRef<'a> {
    Nothing,
    /// A value of the event's output type.
    Output(ValueRef<'a>),
    Plain(PlainValue),
}

impl<'a> FailureRef<'a> {
    /// A failure of another event, whose output type is not known here.
    pub(super) fn of_other(failure: &'a Failure) -> Self {
        Self { failure, output: None, classifier: &ErrorClassifier::NONE }
    }
}

impl Serialize for FailureRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let failure = self.failure;
        let mut reason = failure.reason().to_owned();
        let carried = match failure.any_value() {
            None => CarriedRef::Nothing,
            Some(value) => {
                let output = self.output.and_then(|codec| codec.borrow(value));
                match (output, PlainValue::of(value)) {
                    (Some(value), _) => CarriedRef::Output(value),
                    (None, Some(plain)) => CarriedRef::Plain(plain),
                    (None, None) => {
                        reason += " (the value that it carried could not cross between processes)";
                        CarriedRef::Nothing
                    }
                }
            }
        };
        let exception = failure.exception().map(|it| ExceptionRecord::of(it, self.classifier));
        (FailureHeader { reason, exception }, carried).serialize(serializer)
    }
}

/// Reads what [`FailureRef`] writes; with the codec of the event's output, if it is known.
#[derive(Clone, Copy)]
pub(super) struct FailureSeed(pub(super) Option<Codec>);

impl DeserializeSeed<'static> for FailureSeed {
    type Value = Failure;

    fn deserialize<D: Deserializer<'static>>(self, from: D) -> Result<Failure, D::Error> {
        let pair = Pair::<FailureHeader, _>::new(CarriedSeed(self.0));
        let (FailureHeader { reason, exception }, value) = pair.deserialize(from)?;
        Ok(Failure::remote(reason, value, exception.map(Exception::from)))
    }
}

#[derive(Deserialize)]
#[serde(variant_identifier, rename_all = "snake_case")]
enum CarriedKind {
    Nothing,
    Output,
    Plain,
}

struct CarriedSeed(Option<Codec>);

impl DeserializeSeed<'static> for CarriedSeed {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'static>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_enum("Carried", &["nothing", "output", "plain"], self)
    }
}

impl Visitor<'static> for CarriedSeed {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("what a failure carries")
    }

    fn visit_enum<A: EnumAccess<'static>>(self, data: A) -> Result<Self::Value, A::Error> {
        match (data.variant()?, self.0) {
            ((CarriedKind::Nothing, variant), _) => variant.unit_variant().map(|()| None),
            ((CarriedKind::Output, variant), Some(codec)) => {
                variant.newtype_variant_seed(codec).map(Some)
            }
            ((CarriedKind::Output, _), None) => {
                Err(A::Error::custom("a failure carries a value of an unknown type"))
            }
            ((CarriedKind::Plain, variant), _) => {
                variant.newtype_variant::<PlainValue>().map(|plain| Some(plain.into_value()))
            }
        }
    }
}

/// Its reason is written, its exception's texts, and its value if that is a text, a flag, a
/// character or a number; the type of any other value is not known where it is read.
impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        FailureRef::of_other(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Failure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Carried {
            Nothing,
            Output(IgnoredAny),
            Plain(PlainValue),
        }
        let (header, carried) = <(FailureHeader, Carried)>::deserialize(deserializer)?;
        let value = match carried {
            Carried::Nothing | Carried::Output(_) => None,
            Carried::Plain(plain) => Some(plain.into_value()),
        };
        Ok(Self::remote(header.reason, value, header.exception.map(Exception::from)))
    }
}

macro_rules! plain_values {
    ($($variant:ident $ty:ty),+ $(,)?) => {
        /// A value whose type needs no name. A `&'static str` arrives as a `String`.
        #[derive(Serialize, Deserialize)]
        enum PlainValue {
            $($variant($ty)),+
        }

        impl PlainValue {
            fn of(value: &Value) -> Option<Self> {
                if let Some(text) = value.get::<&'static str>() {
                    return Some(Self::Text((*text).to_owned()));
                }
                $(if let Some(plain) = value.get::<$ty>() {
                    return Some(Self::$variant(plain.clone()));
                })+
                None
            }

            fn into_value(self) -> Value {
                match self {
                    $(Self::$variant(plain) => Value::new(plain)),+
                }
            }
        }
    };
}

plain_values!(
    Text String, Flag bool, Char char, Unit (),
    U8 u8, U16 u16, U32 u32, U64 u64, U128 u128, Usize usize,
    I8 i8, I16 i16, I32 i32, I64 i64, I128 i128, Isize isize,
    F32 f32, F64 f64,
);
