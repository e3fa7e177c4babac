//! Places of generated tokens. Punctuation may carry the user's place, identifiers may not: an
//! editor would take each of them for a use of the user's name.

use proc_macro2::{Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Where generated names are looked up, at the user's place.
pub(crate) fn at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// A generated name.
pub(crate) fn ident(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The user's name without the user's place, raw if it was.
pub(crate) fn unplaced(name: &Ident) -> Ident {
    let mut name = name.clone();
    name.set_span(Span::mixed_site());
    name
}

/// A name without the mark of a raw one.
pub(crate) fn plain(name: &Ident) -> String {
    let text = name.to_string();
    text.strip_prefix("r#").map(str::to_owned).unwrap_or(text)
}

/// The places of the first and the last token.
pub(crate) fn ends(tokens: impl ToTokens) -> (Span, Span) {
    let mut places = tokens.into_token_stream().into_iter().map(|token| token.span());
    let first = places.next().unwrap_or_else(Span::call_site);
    (first, places.last().unwrap_or(first))
}

/// Two tokens that stand for everything from `start` to `end`.
pub(crate) fn range(start: Span, end: Span) -> TokenStream {
    [start, end].into_iter().map(punct).collect()
}

fn punct(span: Span) -> TokenTree {
    let mut punct = Punct::new(';', Spacing::Alone);
    punct.set_span(span);
    punct.into()
}

/// Puts every token at `span`.
pub(crate) fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    tokens.into_iter().map(|token| set(token, span, true)).collect()
}

/// Puts the first token at `start` and the last at `end`; both are punctuation or a group. The
/// compiler underlines from one to the other, and an editor finds no name there but the user's.
pub(crate) fn from_to(tokens: TokenStream, start: Span, end: Span) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    if let Some(last) = tokens.pop() {
        tokens.push(set(last, at(end), false));
    }
    if let Some(first) = tokens.first_mut() {
        *first = set(first.clone(), at(start), false);
    }
    tokens.into_iter().collect()
}

fn set(mut token: TokenTree, span: Span, inside: bool) -> TokenTree {
    if let TokenTree::Group(group) = token {
        let inner = if inside { respan(group.stream(), span) } else { group.stream() };
        let mut group = Group::new(group.delimiter(), inner);
        group.set_span(span);
        return group.into();
    }
    token.set_span(span);
    token
}
