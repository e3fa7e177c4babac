//! What requests and replies are written in: the format of the crate `postcard`, which says nothing
//! of its own structure, since both sides are the same program.

mod reader;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

/// The format's limits, for users.
const NOT_SELF_DESCRIBING: &str = "the format says nothing of its own structure, so \
    `serde_json::Value`, `#[serde(untagged)]`, `#[serde(flatten)]` and sequences of unknown length \
    do not cross";
