//! The checks of `#[pipeline(durable, ..)]`: everything that a store must keep can be written down.

use nexus_pointy::binding_code as code;

use super::check::Check;
use super::text::Text;
use crate::event::Spec;
use crate::wire::Transfer;

impl Check {
    /// Durable pipelines need the code that writes values down.
    #[track_caller]
    pub const fn durable_pipeline() {
        if !cfg!(feature = "durable") {
            Text::new()
                .add("a durable pipeline needs a store, which this program leaves out; add the feature in Cargo.toml, `nexus = { .., features = [\"durable\"] }`")
                .panic(code::UNRECORDABLE)
        }
    }

    /// A field's value can be written down, and read where the run goes on.
    #[track_caller]
    pub const fn recordable_field(
        pipeline: &str,
        name: &str,
        ty: &str,
        transfer: &Transfer,
        is_stream: bool,
    ) {
        if !cfg!(feature = "durable") || !transfer.is_unsendable() {
            return;
        }
        let text = Text::new().add("the field ").tick(name).add(" of ").tick(pipeline);
        if is_stream {
            text.add(" is a stream, ")
                .tick(ty)
                .add(", which is gone once it is read, so a store cannot keep it; take a `Vec`, or what the items can be read from")
                .panic(code::UNRECORDABLE)
        }
        unrecordable(text.add(" cannot be written to a store: "), ty, transfer)
            .panic(code::UNRECORDABLE)
    }

    /// The value that a step yields can be written down. `in_flow` is what the flow says of
    /// `checkpoint`.
    #[track_caller]
    pub const fn recordable(at: &str, event: &Spec, in_flow: Option<bool>, is_stream: bool) {
        let is_recorded = match in_flow {
            Some(checkpoint) => checkpoint,
            None => event.options.checkpoint,
        };
        let output = &event.output;
        if !cfg!(feature = "durable") || !event.known || !is_recorded || !output.is_unsendable() {
            return;
        }
        let text = Text::new().add(at);
        if is_stream {
            text.tick(event.name)
                .add(" yields a stream, ")
                .tick(output.ty)
                .add(", which is gone once it is read, so a store cannot keep it; yield a `Vec`, or add `checkpoint = false`, and a resumed run computes it again")
                .panic(code::UNRECORDABLE)
        }
        let text = text.add("the value that ").tick(event.name);
        unrecordable(text.add(" yields cannot be written to a store: "), output.ty, &output.by)
            .add(", or add `checkpoint = false`, and a resumed run computes it again")
            .panic(code::UNRECORDABLE)
    }
}

const fn unrecordable(text: Text, ty: &str, transfer: &Transfer) -> Text {
    let text = text.tick(ty);
    match transfer {
        Transfer::Borrows => text.add(" borrows its data; ").add(transfer.cure()),
        _ => text.add(" is not `serde::Serialize` and `serde::Deserialize`; derive both for it"),
    }
}
