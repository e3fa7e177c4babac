//! `#[derive(Pipeline)]`: a checked flow with named, typed input fields.

mod batch;
mod check;
mod expand;
mod input;
mod parse;
mod schedule;
mod source;
mod steps;
mod tokens;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::args::PIPELINE_FIELD;
use crate::ctxt::{Ctxt, text_of};
use crate::derive::fields;
use crate::span::without_raw_prefix;

/// Expands `#[derive(Pipeline)]`.
pub(crate) fn derive(tokens: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(tokens) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let cx = Ctxt::default();
    let args = parse::parse(&cx, &input);
    let fields = fields::fields(&cx, &input, "Pipeline", &PIPELINE_FIELD);
    batch::check(&cx, fields.as_deref().unwrap_or_default());
    schedule::check(&cx, &args, fields.as_deref().unwrap_or_default());
    let output = match (fields, &args.source) {
        (Some(fields), Some(source)) => {
            let parsed = source.parse();
            for wrong in &parsed.diagnostics {
                let (start, end) = source.spans(wrong.span);
                let message = text_of(wrong);
                cx.error_between(start, end, format!("{}{message}", source.prefix(wrong.span)));
            }
            expand::pipeline(cx, &input, &args, source, &fields, &parsed.flow)
        }
        (Some(fields), None) => {
            let fallback = expand::fallback(&args.root.private(), &input.ident, &fields);
            let errors = cx.finish();
            quote!(#fallback #errors)
        }
        (None, _) => cx.finish(),
    };
    crate::debug::print(&without_raw_prefix(&input.ident), "#[derive(Pipeline)]", &output);
    output
}

#[cfg(test)]
mod equivalence_tests;
#[cfg(test)]
mod tests;
