//! `#[event(..)]` on a struct that derives `Event`: the settings.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, ItemStruct, Meta, parse_quote};

use super::{expand, is};
use crate::args::{Arg, EVENT, parse};
use crate::ctxt::Ctxt;
use crate::event::args;

/// The struct as it is, and what the derive would make of it. The derive sees only what stands below it,
/// and leaves a struct with settings there to this macro; settings above it go there first.
pub(crate) fn of_struct(settings: TokenStream, mut item: ItemStruct) -> TokenStream {
    if item.attrs.iter().any(|attr| is(attr, "derive")) {
        item.attrs.push(parse_quote!(#[event(#settings)]));
        return item.into_token_stream();
    }
    let cx = Ctxt::default();
    let mut given = parse(&cx, settings, &EVENT);
    let (more, others) = item.attrs.into_iter().partition(|attr| is(attr, "event"));
    item.attrs = others;
    given.extend(Vec::into_iter(more).flat_map(|attr| settings_of(&cx, &attr)));
    let args = args::check(&cx, given);
    let event = expand(cx, &args, &item.clone().into());
    // An editor looks for a field's default where it first finds it, and knows no helper attribute of a
    // struct that a macro has passed on.
    quote!(#event #item)
}

/// The settings in an attribute that is the second of its kind.
fn settings_of(cx: &Ctxt, attr: &Attribute) -> Vec<Arg> {
    match &attr.meta {
        Meta::Path(_) => Vec::new(),
        Meta::List(list) => parse(cx, list.tokens.clone(), &EVENT),
        Meta::NameValue(it) => {
            cx.error(it, "write `#[event(key = value)]`");
            Vec::new()
        }
    }
}
