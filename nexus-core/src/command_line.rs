//! What a command line over a pipeline needs beside the engine: its fields as JSON becomes them.
//!
//! `nexus-command` is built on this module; a program that takes its input in another way, as a web
//! server does, can be built on it in the same way. It goes through three steps:
//!
//! 1. While the program is compiled, [`readable`] refuses a pipeline with a field that could neither
//!    be read nor left out.
//! 2. [`Pipeline::INPUT`](crate::Pipeline::INPUT) lists the fields. [`InputField::read`] makes a
//!    value of the JSON text of one field, by the field's [`ReadJson`], or says in a [`FieldJsonError`] where the mistake is;
//!    [`InputField::default`] makes the value of a field that is left out.
//! 3. [`prepare_values`] prepares a run with one value for each field, in the order of the fields. For a
//!    driver elsewhere, such as a cluster, `inputs_of_values` (with the feature `durable`) makes
//!    [`Inputs`](crate::Inputs) of them instead.

pub use crate::checked::readable;
#[cfg(feature = "durable")]
pub use crate::engine::inputs_of_values;
pub use crate::engine::prepare_values;
pub use crate::input::{FieldJsonError, InputDefault, InputField, ReadJson, Step, read_json};
