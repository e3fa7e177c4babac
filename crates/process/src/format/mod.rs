//! The format of requests and replies: that of the crate `postcard`, which does not describe
//! itself, since both sides are the same program.

mod reader;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

/// The format's limits, for users.
const NOT_SELF_DESCRIBING: &str = "the format says nothing of its own structure, so \
    `serde_json::Value`, `#[serde(untagged)]`, `#[serde(flatten)]` and sequences of unknown length \
    do not cross";
