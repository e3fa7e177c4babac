//! `#[event]` on a function, of which it makes an event, and on the impl block of a struct that derives
//! `Event`, whose `process` it makes the event's code.

pub(crate) mod args;
mod block;
mod expand;
mod function;
mod params;
pub(crate) mod settings;

pub(crate) use block::block;
pub(crate) use expand::{executor, named_executor, remote, runtime};
pub(crate) use function::function;

use proc_macro2::TokenStream;
use quote::quote;

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
