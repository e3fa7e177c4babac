//! What bodies say in worker processes, and how it is said again in the parent.
//!
//! The worker has a subscriber that writes down what it is told ([`listener`]): spans, what is recorded
//! in them, events. The parent makes the same of it inside the attempt's span ([`speaker`]), so the
//! parent's subscriber alone decides what becomes of it. Its times are those at which it arrives.

mod callsites;
mod listener;
mod speaker;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub(crate) use speaker::RemoteSpans;

/// What a body has said.
#[derive(Debug, Serialize, Deserialize)]
enum Said<'a> {
    /// A span has begun.
    Span { id: u64, parent: Option<u64>, site: Site<'a>, values: Vec<Value<'a>> },
    /// Values were recorded in a span.
    Record { id: u64, values: Vec<Value<'a>> },
    /// A span has ended.
    Close { id: u64 },
    /// An event, in a span of the body if it stands in one.
    Event { parent: Option<u64>, site: Site<'a>, values: Vec<Value<'a>> },
}

/// Where in the program something is said, and what about it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Site<'a> {
    is_span: bool,
    name: Cow<'a, str>,
    target: Cow<'a, str>,
    /// From 1 for errors to 5 for traces.
    level: u8,
    module: Option<Cow<'a, str>>,
    file: Option<Cow<'a, str>>,
    line: Option<u32>,
    fields: Vec<Cow<'a, str>>,
}

/// The value of the field with this place among those of its site.
#[derive(Debug, Serialize, Deserialize)]
struct Value<'a>(u32, Scalar<'a>);

/// A value, as a subscriber gets it.
#[derive(Debug, Serialize, Deserialize)]
enum Scalar<'a> {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(Cow<'a, str>),
    /// What `Debug` made of it.
    Debugged(Cow<'a, str>),
}
