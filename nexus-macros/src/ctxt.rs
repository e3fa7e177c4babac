//! Collects every mistake of an item, so that one build shows them all.

use std::cell::RefCell;
use std::fmt::Display;

use nexus_pointy::Diagnostic;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Error;

use crate::span;

/// The mistakes so far, and what an editor could write in the place of some of them.
#[derive(Default)]
pub(crate) struct Ctxt {
    errors: RefCell<Vec<Error>>,
    choices: RefCell<TokenStream>,
}

impl Ctxt {
    /// A mistake that covers `tokens`.
    pub(crate) fn error(&self, tokens: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(tokens, message));
    }

    /// A mistake at one token.
    pub(crate) fn error_at(&self, span: Span, message: impl Display) {
        self.push(Error::new(span, message));
    }

    /// A mistake from one token to another.
    pub(crate) fn error_between(&self, start: Span, end: Span, message: impl Display) {
        self.push(Error::new_spanned(span::range_tokens(start, end), message));
    }

    pub(crate) fn push(&self, error: Error) {
        self.errors.borrow_mut().push(error);
    }

    /// Keeps the value, or the error.
    pub(crate) fn ok<T>(&self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// Lets an editor complete `typed` to one of `words`, each with what is said of it. An editor
    /// compares this expansion with one where a letter more is typed, so everything up to the word
    /// is the same in both. The compiler sees nothing of it.
    pub(crate) fn complete<'w>(
        &self,
        typed: &Ident,
        words: impl IntoIterator<Item = (&'w str, &'w str)>,
    ) {
        let words = words.into_iter().filter_map(|(word, help)| {
            let word: Ident = syn::parse_str(word).ok()?;
            Some(quote!(#[doc = #help] pub const #word: () = ();))
        });
        self.choices.borrow_mut().extend(quote! {
            #[allow(unexpected_cfgs)]
            const _: () = {
                #[cfg(rust_analyzer)]
                use choices::#typed;
                #[cfg(rust_analyzer)]
                mod choices { #(#words)* }
            };
        });
    }

    /// All mistakes as tokens that the compiler shows.
    pub(crate) fn finish(self) -> TokenStream {
        let errors = self.errors.into_inner();
        let mut tokens = self.choices.into_inner();
        tokens.extend(errors.iter().map(Error::to_compile_error));
        tokens
    }
}

/// "message; help [code]", as far as there is help.
pub(crate) fn text_of(diagnostic: &Diagnostic) -> String {
    let Diagnostic { code, message, help, .. } = diagnostic;
    match help {
        Some(help) => format!("{message}; {help} [{code}]"),
        None => format!("{message} [{code}]"),
    }
}
