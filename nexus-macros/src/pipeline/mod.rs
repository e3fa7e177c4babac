//! `#[derive(Pipeline)]`: a checked flow with named, typed input fields.

mod batch;
mod check;
mod expand;
mod input;
mod parse;
mod source;
mod steps;
mod tokens;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::ctxt::{Ctxt, with_help};
use crate::derive::fields;
use crate::span::plain;

/// Expands `#[derive(Pipeline)]`.
pub(crate) fn derive(tokens: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(tokens) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let cx = Ctxt::default();
    let args = parse::parse(&cx, &input);
    let fields = fields::fields(&cx, &input, "Pipeline");
    batch::check(&cx, fields.as_deref().unwrap_or_default());
    let output = match (fields, &args.source) {
        (Some(fields), Some(source)) => {
            let parsed = source.parse();
            for wrong in &parsed.diagnostics {
                let (start, end) = source.places(wrong.span);
                let message = with_help(&wrong.message, wrong.help.as_deref());
                cx.error_between(start, end, format!("{}{message}", source.prefix(wrong.span)));
            }
            expand::pipeline(cx, &input, &args, source, &fields, &parsed.flow)
        }
        (Some(fields), None) => {
            let stand_in = expand::stand_in(&args.root.private(), &input.ident, &fields);
            let errors = cx.finish();
            quote!(#stand_in #errors)
        }
        (None, _) => cx.finish(),
    };
    crate::debug::print(&plain(&input.ident), "#[derive(Pipeline)]", &output);
    output
}

#[cfg(test)]
mod agree;
#[cfg(test)]
mod tests;
