//! Collects every mistake of an item, so that one build shows them all.

use std::cell::RefCell;
use std::fmt::Display;

use nexus_pointy::Diagnostic;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Error;

use crate::span;

/// The mistakes so far.
#[derive(Default)]
pub(crate) struct Ctxt(RefCell<Vec<Error>>);

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
        self.0.borrow_mut().push(error);
    }

    /// Keeps the value, or the error.
    pub(crate) fn ok<T>(&self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// All mistakes as tokens that the compiler shows.
    pub(crate) fn finish(self) -> TokenStream {
        self.0.into_inner().iter().map(Error::to_compile_error).collect()
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
