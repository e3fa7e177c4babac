//! `#[event]` on whatever it stands: a function, the impl block of a struct event, or the struct, whose settings
//! it has.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, Item};

use crate::derive::of_struct;
use crate::event::{block, function};

/// Expands `#[event(args)] item`.
pub(crate) fn event(args: TokenStream, tokens: &TokenStream) -> TokenStream {
    if let Ok(item) = syn::parse2(tokens.clone()) {
        return function(args, item);
    }
    match syn::parse2::<Item>(tokens.clone()) {
        Ok(Item::Impl(item)) => block(args, item),
        Ok(Item::Struct(item)) => of_struct::of_struct(args, item),
        Ok(item) => {
            let message = "`#[event]` belongs on a function, or on the impl block of a struct that derives `Event`";
            refused(&item, &Error::new_spanned(&item, message))
        }
        // The body is not valid Rust; the compiler reports that itself, when it sees the item.
        Err(error) => refused(tokens, &error),
    }
}

fn refused(item: &impl ToTokens, error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#item #error)
}
