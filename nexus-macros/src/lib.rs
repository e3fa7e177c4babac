//! The macros of nexus. Use them through the crate `nexus`, which re-exports them.
#![forbid(unsafe_code)]

mod ctxt;
mod debug;
mod derive;
mod descriptor;
mod event;
mod hash;
mod literal;
mod pipeline;
mod root;
mod span;
mod text;
mod types;

use proc_macro::TokenStream;

/// Makes an event.
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
    event::event(args.into(), item.into()).into()
}

/// Derives `Event` for a struct.
#[proc_macro_derive(Event, attributes(event, field))]
pub fn derive_event(item: TokenStream) -> TokenStream {
    derive::derive(item.into()).into()
}

/// Derives `Pipeline` for a struct.
#[proc_macro_derive(Pipeline, attributes(pipeline, field))]
pub fn derive_pipeline(item: TokenStream) -> TokenStream {
    pipeline::derive(item.into()).into()
}

/// Derives `Descriptor` for an enum.
#[proc_macro_derive(Descriptor, attributes(descriptor))]
pub fn derive_descriptor(item: TokenStream) -> TokenStream {
    descriptor::derive(item.into()).into()
}
