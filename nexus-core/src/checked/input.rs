//! Whether a pipeline's input can be read from text.

use nexus_pointy::binding_code as code;

use super::text::Text;
use crate::input::InputField;

/// Refuses a pipeline that has a field which could neither be read nor left out. It runs while the
/// program is compiled.
#[track_caller]
pub const fn readable(pipeline: &str, fields: &[InputField]) {
    let mut i = 0;
    while i < fields.len() {
        let InputField { name, ty, default, read, .. } = fields[i];
        if default.is_none() && read.is_none() {
            Text::new()
                .add("the field ")
                .tick(name)
                .add(" of ")
                .tick(pipeline)
                .add(" cannot be read from JSON: ")
                .tick(ty)
                .add(" is not `serde::de::DeserializeOwned`; derive `serde::Deserialize` for it, with owned data such as `String`, or give the field a default, `#[field(default = ..)]`")
                .panic(code::UNREADABLE);
        }
        i += 1;
    }
}
