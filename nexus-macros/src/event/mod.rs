//! `#[event]`: on a function it makes an event of it; on the impl block of a struct that derives
//! `Event`, it makes the struct's `process` the event's code; on the struct it has the settings.

pub(crate) mod args;
mod block;
mod expand;
mod function;
mod of_struct;
mod params;
pub(crate) mod settings;

pub(crate) use expand::{executor, remote, runtime};
pub(crate) use of_struct::is;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, Item};

/// Expands `#[event(args)] item`.
pub(crate) fn event(args: TokenStream, tokens: &TokenStream) -> TokenStream {
    if let Ok(item) = syn::parse2(tokens.clone()) {
        return function::function(args, item);
    }
    match syn::parse2::<Item>(tokens.clone()) {
        Ok(Item::Impl(item)) => block::block(args, item),
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

/// Allows the lints about the form of arguments, since an event binds a parameter by its form. Only
/// clippy is told: without it the compiler looks for each of these names among all lints that it has.
fn allow_parameter_forms() -> TokenStream {
    quote! {
        #[cfg_attr(clippy, allow(
            clippy::needless_pass_by_value,
            clippy::ptr_arg,
            clippy::trivially_copy_pass_by_ref,
            reason = "the form of a parameter says how the event binds it"
        ))]
    }
}

/// A fallback implementation of `Event`.
fn fallback(private: &TokenStream, me: &TokenStream) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl #private::Event for #me {
            type Output = ();
            type Piped = #private::Nothing;
            const SPEC: &'static #private::Spec = &#private::Spec::NO_EVENT;
        }
    }
}
