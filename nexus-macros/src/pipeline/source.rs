//! Where a flow is written: in tokens, in a text, or in a file.

use std::path::PathBuf;

use nexus_pointy::{Parsed, Span as Range, line_column};
use proc_macro2::{Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::quote;
use syn::LitStr;

use super::tokens::Tokens;
use crate::ctxt::Ctxt;

/// A flow's script.
pub(crate) enum Source {
    Tokens(Tokens),
    Text(Text),
}

/// A script in a text or a file. All of it has the span of the literal in the Rust source.
pub(crate) struct Text {
    script: String,
    span: Span,
    /// The file's name, for messages, and its path.
    file: Option<(String, PathBuf)>,
}

/// `flow = "a -> b"`
pub(crate) fn text(literal: &LitStr) -> Source {
    Source::Text(Text { script: literal.value(), span: literal.span(), file: None })
}

/// `file = "order.pty"`
pub(crate) fn file(cx: &Ctxt, literal: &LitStr) -> Option<Source> {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let path = root.join(literal.value());
    let read = std::fs::read(&path).map_err(|error| error.to_string());
    let script =
        read.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()));
    match script {
        Ok(script) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let file = Some((name.unwrap_or_default(), path));
            Some(Source::Text(Text { script, span: literal.span(), file }))
        }
        Err(error) => {
            let message = format!(
                "cannot read `{}`: {error}; a path is relative to the directory of Cargo.toml",
                path.display()
            );
            cx.error(literal, message);
            None
        }
    }
}

impl Source {
    pub(crate) fn parse(&self) -> Parsed {
        match self {
            Self::Tokens(tokens) => nexus_pointy::parse_tokens(&tokens.tokens, tokens.end()),
            Self::Text(text) => nexus_pointy::parse(&text.script),
        }
    }

    /// The first and the last span of a range.
    pub(crate) fn spans(&self, range: Range) -> (Span, Span) {
        match self {
            Self::Tokens(tokens) => tokens.spans(range),
            Self::Text(text) => (text.span, text.span),
        }
    }

    /// The start of a message about a text, whose tokens have no spans: `order.pty:2:4: `.
    pub(crate) fn prefix(&self, range: Range) -> String {
        let Self::Text(text) = self else { return String::new() };
        let (line, column) = line_column(&text.script, range.start as usize);
        match &text.file {
            Some((name, _)) => format!("{name}:{line}:{column}: "),
            None => format!("{line}:{column}: "),
        }
    }

    /// A path of the script as a path of Rust: the user's own tokens, where there are any.
    pub(crate) fn path(&self, name: &nexus_pointy::Name) -> TokenStream {
        match self {
            Self::Tokens(tokens) => tokens.path(name.span),
            // At the text, rustc would offer to replace all of it by another name.
            Self::Text(_) => path_tokens(&name.text, Span::mixed_site()),
        }
    }

    /// What makes the compiler look at the file again when it changes.
    pub(crate) fn dependency(&self) -> TokenStream {
        let Self::Text(Text { file: Some((_, path)), .. }) = self else {
            return TokenStream::new();
        };
        let path = path.to_string_lossy();
        quote!(
            const _: &str = ::core::include_str!(#path);
        )
    }
}

fn path_tokens(path: &str, span: Span) -> TokenStream {
    let mut out = TokenStream::new();
    for (index, part) in path.split("::").enumerate() {
        if index > 0 {
            let colon = |spacing| {
                let mut punct = Punct::new(':', spacing);
                punct.set_span(span);
                TokenTree::from(punct)
            };
            out.extend([colon(Spacing::Joint), colon(Spacing::Alone)]);
        }
        if let Some(ident) = ident(part, span) {
            out.extend([TokenTree::from(ident)]);
        }
    }
    out
}

fn ident(text: &str, span: Span) -> Option<Ident> {
    let plain: syn::Result<Ident> = syn::parse_str(text);
    if plain.is_ok() || matches!(text, "self" | "super" | "crate" | "Self") {
        return Some(Ident::new(text, span));
    }
    // Pointy's names may be keywords of Rust.
    syn::parse_str::<Ident>(&format!("r#{text}")).ok().map(|_| Ident::new_raw(text, span))
}
