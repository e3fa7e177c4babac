//! Spans of generated tokens. Punctuation may have the user's span; identifiers may not, since an
//! editor would take each of them for a use of the user's name.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// The user's span with the hygiene of generated names.
pub(crate) fn located_at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// A generated name.
pub(crate) fn ident(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The user's name without the user's span; a raw identifier stays raw.
pub(crate) fn without_location(name: &Ident) -> Ident {
    let mut name = name.clone();
    name.set_span(Span::mixed_site());
    name
}

/// A name without its `r#`.
pub(crate) fn without_raw_prefix(name: &Ident) -> String {
    let text = name.to_string();
    text.strip_prefix("r#").map(str::to_owned).unwrap_or(text)
}

/// The spans of the first and the last token.
pub(crate) fn end_spans(tokens: impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.into_token_stream().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

/// Two tokens whose spans cover everything from `start` to `end`.
pub(crate) fn range_tokens(start: Span, end: Span) -> TokenStream {
    [start, end].into_iter().map(punct).collect()
}

fn punct(span: Span) -> TokenTree {
    let mut punct = Punct::new(';', Spacing::Alone);
    punct.set_span(span);
    punct.into()
}

/// Gives every token the span `span`.
pub(crate) fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    tokens.into_iter().map(|token| set_span_of(token, span, true)).collect()
}

/// Gives the first token the span `start` and the last one `end`; both are punctuation or a group.
/// The compiler underlines from one to the other, and an editor finds no name there but the user's.
pub(crate) fn respan_ends(tokens: TokenStream, start: Span, end: Span) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    if let Some(last) = tokens.pop() {
        tokens.push(set_span_of(last, located_at(end), false));
    }
    if let Some(first) = tokens.first_mut() {
        *first = set_span_of(first.clone(), located_at(start), false);
    }
    tokens.into_iter().collect()
}

/// The same for a type that begins with `<` or `impl` and ends with `>`, at the user's spans as they are, without
/// the hygiene of generated tokens: the compiler would add to each message which macro it comes from, in
/// four lines. (It does not join such spans over a call, whose error would be shown at the attribute.)
pub(crate) fn respan_type(ty: TokenStream, start: Span, end: Span) -> TokenStream {
    let mut tokens: Vec<TokenTree> = ty.into_iter().collect();
    if let Some(last) = tokens.last_mut() {
        last.set_span(end);
    }
    if let Some(first) = tokens.first_mut() {
        first.set_span(start);
    }
    tokens.into_iter().collect()
}

/// A call of `callee` whose error is shown from `start` to `end`. Only the brackets have these spans, as
/// they are: with the hygiene of generated tokens the compiler would add which macro they come from.
/// The callee has brackets of its own, since it would not join its spans with those.
pub(crate) fn call(callee: &TokenStream, args: TokenStream, start: Span, end: Span) -> TokenStream {
    let brackets = |inner, span| {
        let mut group = Group::new(Delimiter::Parenthesis, inner);
        group.set_span(span);
        TokenTree::Group(group)
    };
    [brackets(callee.clone(), start), brackets(args, end)].into_iter().collect()
}

fn set_span_of(mut token: TokenTree, span: Span, inside: bool) -> TokenTree {
    if let TokenTree::Group(group) = token {
        let inner = if inside { respan(group.stream(), span) } else { group.stream() };
        let mut group = Group::new(group.delimiter(), inner);
        group.set_span(span);
        return group.into();
    }
    token.set_span(span);
    token
}
