//! The field that `Batch` fills: `#[field(batch_size = 500)] rows: Vec<Row>`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::ctxt::Ctxt;
use crate::derive::fields::StructField;
use crate::span::{end_spans, respan_type, without_location};
use crate::text::text;
use crate::types::{arc_target, single_generic_arg};

/// One field is filled in batches, and it is a `Vec`.
pub(crate) fn check(cx: &Ctxt, fields: &[StructField]) {
    let batched = fields.iter().filter_map(|field| Some((field, field.batch_size.as_ref()?)));
    for (index, (field, batch)) in batched.enumerate() {
        if index > 0 {
            cx.error(&batch.key, "only one field can have a `batch_size`; keep one of the two");
        } else if single_generic_arg(&field.ty, "Vec").is_none() {
            cx.error(
                &field.ty,
                format!(
                    "a field with a `batch_size` must be a `Vec<T>`, not a `{}`",
                    text(&field.ty)
                ),
            );
        }
    }
}

/// The implementation of `Batched`, if a field has a batch size. `types` has the aliases of the
/// fields' types.
pub(crate) fn batched(
    private: &TokenStream,
    me: &Ident,
    fields: &[StructField],
    types: &[(String, String, Ident)],
) -> Option<TokenStream> {
    let (field, (text, ..)) =
        fields.iter().zip(types).find(|(field, _)| field.batch_size.is_some())?;
    let size = field.batch_size.as_ref()?.size?;
    let name = without_location(&field.name);
    let others = fields.iter().zip(types).filter(|(field, _)| field.batch_size.is_none());
    let others = others.map(|(field, (.., alias))| {
        let name = without_location(&field.name);
        if arc_target(&field.ty).is_some() {
            return quote!(#name: #private::Arc::clone(&self.#name));
        }
        let (start, end) = end_spans(&field.ty);
        // The error of a field that cannot be cloned is shown at its type.
        let ty = respan_type(quote!(<() as #private::Id>::Same<#alias>), start, end);
        quote!(#name: <#ty as #private::CloneForBatch>::clone_for_batch(&self.#name))
    });
    Some(quote! {
        #[automatically_derived]
        impl #private::Batched for #me {
            const FIELD: &'static str = #text;
            const SIZE: usize = #size;
            fn take_batch(&mut self) -> #private::Vec<Self::BatchItem> {
                ::core::mem::take(&mut self.#name)
            }
            fn with_batch(&self, batch: #private::Vec<Self::BatchItem>) -> Self {
                Self { #name: batch, #(#others),* }
            }
        }
    })
}

/// What the field with a batch size holds; `()` where none has one.
pub(crate) fn item(
    private: &TokenStream,
    fields: &[StructField],
    types: &[(String, String, Ident)],
) -> TokenStream {
    let batched = fields.iter().zip(types).find(|(field, _)| field.batch_size.is_some());
    batched.map_or_else(
        || quote!(()),
        |(_, (.., alias))| quote!(<#alias as #private::IntoIterator>::Item),
    )
}

/// The fallback of [`item`] and [`batched`], where there are mistakes.
pub(crate) fn fallback(
    private: &TokenStream,
    me: &Ident,
    fields: &[StructField],
) -> (TokenStream, TokenStream) {
    let field = fields.iter().find(|field| field.batch_size.is_some());
    let Some(item) = field.and_then(|field| single_generic_arg(&field.ty, "Vec")) else {
        return (quote!(()), TokenStream::new());
    };
    let implementation = quote! {
        #[automatically_derived]
        impl #private::Batched for #me {
            const FIELD: &'static str = "";
            const SIZE: usize = 1;
            fn take_batch(&mut self) -> #private::Vec<Self::BatchItem> { ::core::unreachable!() }
            fn with_batch(&self, _: #private::Vec<Self::BatchItem>) -> Self { ::core::unreachable!() }
        }
    };
    (quote!(#item), implementation)
}
