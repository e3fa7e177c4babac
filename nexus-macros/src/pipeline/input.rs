//! The fields' defaults, and what `nexus::cli` needs to know of the fields.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use crate::derive::default_value;
use crate::derive::fields::{FieldDefault, StructField};
use crate::span::without_raw_prefix;
use crate::text::text;

/// The function that makes a field's default: it contains nothing but the user's expression.
pub(super) fn default_name(index: usize) -> Ident {
    format_ident!("__default{}", index + 1, span = Span::mixed_site())
}

/// One function for each field that has a default.
pub(super) fn defaults(private: &TokenStream, fields: &[StructField]) -> TokenStream {
    let functions = fields.iter().enumerate().filter_map(|(index, field)| {
        let (name, ty) = (default_name(index), &field.ty);
        let value = default_value(private, field.default.as_ref()?, ty);
        Some(quote!(fn #name() -> #ty { #value }))
    });
    functions.collect()
}

/// A function that makes the default of a field as a value. `alias` is that of the field's type
/// without the `Arc` around it.
pub(super) fn default_maker(
    private: &TokenStream,
    index: usize,
    alias: &Ident,
    is_shared: bool,
) -> TokenStream {
    let (made, holds) = (default_name(index), if is_shared { quote!(SHARED) } else { quote!(NEW) });
    quote!(|| (#private::Holds::<#alias>::#holds)(#made()))
}

/// The constant `Pipeline::INPUT`, which is left out where nothing reads fields from text.
/// `types` has each field's name, its type as written, and an alias of the type.
pub(super) fn input(
    private: &TokenStream,
    doc: &str,
    fields: &[StructField],
    types: &[(String, String, Ident)],
    is_shared: impl Fn(&StructField) -> bool,
) -> TokenStream {
    let described = fields.iter().zip(types).enumerate().map(|(index, (field, (.., alias)))| {
        let (name, ty, doc) = (without_raw_prefix(&field.name), text(&field.ty), &field.doc);
        let default = match &field.default {
            None => quote!(#private::Option::None),
            Some(default) => {
                let make = default_maker(private, index, alias, is_shared(field));
                let written = match default {
                    FieldDefault::OfType => String::new(),
                    FieldDefault::Expr(expr) => text(expr),
                };
                quote! {
                    #private::Option::Some(#private::InputDefault {
                        text: #written,
                        make: #make,
                    })
                }
            }
        };
        quote! {
            #private::InputField {
                name: #name,
                ty: #ty,
                doc: #doc,
                default: #default,
                read: #private::FromJson::<#alias>::FROM_JSON,
            }
        }
    });
    quote! {
        #private::when_read! {
            const DOC: &'static str = #doc;
            const INPUT: &'static [#private::InputField] = &[#(#described),*];
        }
    }
}
