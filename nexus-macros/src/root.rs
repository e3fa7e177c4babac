//! The paths by which generated code reaches the runtime.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

/// `::nexus`, or the path of `crate = path`.
#[derive(Default, Clone)]
pub(crate) struct Root(Option<Path>);

impl Root {
    pub(crate) fn new(path: Option<Path>) -> Self {
        Self(path)
    }

    /// The hidden module that generated code calls.
    pub(crate) fn private(&self) -> TokenStream {
        let Some(path) = &self.0 else { return quote!(::nexus::__private) };
        quote!(#path::__private)
    }
}
