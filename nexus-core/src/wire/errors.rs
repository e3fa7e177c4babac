//! Failures and exceptions as bytes.

use serde::{Deserialize, Serialize};

use super::Codec;
use super::codec::{read, write};
use crate::failure::Testimony;
use crate::outcome::{Exception, ExceptionKind, Failure};
use crate::panic::contain;
use crate::retry::{ErrorType, RetryPolicy};
use crate::value::Value;

/// Longer chains of errors are cut; nothing but a chain that ends in itself is so long.
const LONGEST_CHAIN: usize = 256;

/// What a process can say of its exceptions.
pub(crate) struct Witness<'a> {
    /// The error types that the program's policies list.
    pub(crate) types: &'a [ErrorType],
    /// The event's own policy.
    pub(crate) policy: Option<&'a RetryPolicy>,
}

impl Witness<'_> {
    /// It knows no types but the exception's own.
    pub(super) const NONE: Self = Witness { types: &[], policy: None };

    fn testify(&self, exception: &Exception) -> Testimony {
        let mut said = exception.testimony().cloned().unwrap_or_default();
        said.types.extend(exception.error_type().map(str::to_owned));
        for ty in self.types.iter().filter(|ty| ty.is_in(exception)) {
            if !said.types.iter().any(|known| known == ty.full_name()) {
                said.types.push(ty.full_name().to_owned());
            }
        }
        // The predicate is the user's; one that panics does not agree.
        let agrees = |policy: &RetryPolicy| contain(|| policy.agrees(exception)).unwrap_or(false);
        said.agreed |= self.policy.is_some_and(agrees);
        said.retry_after = exception.retry_after();
        said
    }
}

#[derive(Serialize, Deserialize)]
struct Sent {
    kind: ExceptionKind,
    message: String,
    location: Option<String>,
    chain: Vec<String>,
    testimony: Testimony,
}

pub(super) fn write_exception(
    exception: &Exception,
    witness: &Witness<'_>,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let text = |error: &(dyn std::error::Error + 'static)| error.to_string();
    let sent = Sent {
        kind: exception.kind(),
        message: exception.message().to_owned(),
        location: exception.location().map(str::to_owned),
        chain: exception.chain().take(LONGEST_CHAIN).map(text).collect(),
        testimony: witness.testify(exception),
    };
    write(&sent, out)
}

pub(super) fn read_exception(input: &mut &[u8]) -> Result<Exception, String> {
    let Sent { kind, message, location, chain, testimony } = read(input)?;
    Ok(Exception::rebuilt(kind, message, location, chain, testimony))
}

/// What a failure carries.
#[derive(Serialize, Deserialize)]
enum Carried {
    Nothing,
    /// A value of the event's output type follows.
    Output,
    Plain(Plain),
}

/// A failure's reason, and its value if that is of `output` or plain; otherwise the reason says
/// that the value stayed behind.
pub(super) fn write_failure(
    failure: &Failure,
    output: Option<&Codec>,
    witness: &Witness<'_>,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let mut reason = failure.reason().to_owned();
    let mut value = Vec::new();
    let carried = match failure.any_value() {
        None => Carried::Nothing,
        Some(given) => match (output, Plain::of(given)) {
            (Some(codec), _) if codec.write(given, &mut value).is_ok() => Carried::Output,
            (_, Some(plain)) => Carried::Plain(plain),
            _ => {
                reason += " (the value that it carried could not cross between processes)";
                Carried::Nothing
            }
        },
    };
    write(&reason, out)?;
    write(&carried, out)?;
    if matches!(carried, Carried::Output) {
        out.extend_from_slice(&value);
    }
    write(&failure.exception().is_some(), out)?;
    match failure.exception() {
        Some(exception) => write_exception(exception, witness, out),
        None => Ok(()),
    }
}

pub(super) fn read_failure(output: Option<&Codec>, input: &mut &[u8]) -> Result<Failure, String> {
    let reason = read(input)?;
    let value = match (read(input)?, output) {
        (Carried::Nothing, _) => None,
        (Carried::Plain(plain), _) => Some(plain.value()),
        (Carried::Output, Some(codec)) => Some(codec.read(input)?),
        (Carried::Output, None) => return Err("it carries a value of an unknown type".to_owned()),
    };
    let exception = if read(input)? { Some(read_exception(input)?) } else { None };
    Ok(Failure::rebuilt(reason, value, exception))
}

macro_rules! plain {
    ($($variant:ident $ty:ty),+ $(,)?) => {
        /// A value whose type needs no name. A `&'static str` arrives as a `String`.
        #[derive(Serialize, Deserialize)]
        enum Plain {
            $($variant($ty)),+
        }

        impl Plain {
            fn of(value: &Value) -> Option<Self> {
                if let Some(text) = value.get::<&'static str>() {
                    return Some(Self::Text((*text).to_owned()));
                }
                $(if let Some(plain) = value.get::<$ty>() {
                    return Some(Self::$variant(plain.clone()));
                })+
                None
            }

            fn value(self) -> Value {
                match self {
                    $(Self::$variant(plain) => Value::new(plain)),+
                }
            }
        }
    };
}

plain!(
    Text String, Flag bool, Char char, Unit (),
    U8 u8, U16 u16, U32 u32, U64 u64, U128 u128, Usize usize,
    I8 i8, I16 i16, I32 i32, I64 i64, I128 i128, Isize isize,
    F32 f32, F64 f64,
);
