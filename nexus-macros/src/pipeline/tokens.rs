//! Rust tokens as tokens of Pointy, so that there is one parser. The span of such a token is its
//! index; the table here maps it back to the compiler's span.

use std::borrow::Cow;

use nexus_pointy::{Span as Range, Token, TokenKind, lex};
use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use syn::Lit;

/// The tokens of a flow, with the compiler's spans.
#[derive(Default)]
pub(crate) struct Tokens {
    pub(crate) tokens: Vec<Token<'static>>,
    source_tokens: Vec<SourceToken>,
}

/// The Rust tokens of one of Pointy's; of a bracket only the span is kept.
struct SourceToken {
    tree: Option<TokenTree>,
    start: Span,
    end: Span,
}

impl Tokens {
    pub(crate) fn new(stream: TokenStream) -> Self {
        let mut tokens = Self::default();
        tokens.stream(stream);
        tokens
    }

    /// The empty range after the last token.
    pub(crate) fn end(&self) -> Range {
        let end = self.source_tokens.len() as u32;
        Range::new(end, end)
    }

    /// The first and the last span of a range; those of an empty range are its neighbour's.
    pub(crate) fn spans(&self, range: Range) -> (Span, Span) {
        let last = self.source_tokens.len().saturating_sub(1);
        let first = (range.start as usize).min(last);
        let end = (range.end as usize).saturating_sub(1).clamp(first, last.max(first));
        match (self.source_tokens.get(first), self.source_tokens.get(end)) {
            (Some(first), Some(end)) => (first.start, end.end),
            _ => (Span::call_site(), Span::call_site()),
        }
    }

    /// The path that the user has written in a range: names and `::` by turns. It ends before what
    /// cannot go on with it, which the parser has reported.
    pub(crate) fn path(&self, range: Range) -> TokenStream {
        let range = range.start as usize..range.end as usize;
        let tokens = self.tokens.get(range.clone()).unwrap_or_default();
        let source_tokens = self.source_tokens.get(range).unwrap_or_default();
        let mut out = TokenStream::new();
        let mut separator = None;
        let mut wants_name = true;
        for (token, source_token) in tokens.iter().zip(source_tokens) {
            match (token.kind, &source_token.tree) {
                (TokenKind::Ident, Some(tree)) if wants_name => {
                    out.extend(separator.take());
                    out.extend([tree.clone()]);
                }
                (TokenKind::PathSep, _) if !wants_name => {
                    separator = Some(path_separator(source_token));
                }
                _ => return out,
            }
            wants_name = !wants_name;
        }
        // A half typed path keeps its `::`, behind which an editor completes.
        out.extend(separator);
        out
    }

    fn push(
        &mut self,
        kind: TokenKind,
        text: impl Into<Cow<'static, str>>,
        tree: Option<TokenTree>,
        spans: (Span, Span),
    ) {
        let index = self.source_tokens.len() as u32;
        self.tokens.push(Token { kind, span: Range::new(index, index + 1), text: text.into() });
        self.source_tokens.push(SourceToken { tree, start: spans.0, end: spans.1 });
    }

    fn stream(&mut self, stream: TokenStream) {
        let mut trees = stream.into_iter().peekable();
        while let Some(tree) = trees.next() {
            match tree {
                TokenTree::Group(group) => self.group(&group),
                TokenTree::Ident(ident) => {
                    let (text, span) = (ident.to_string(), ident.span());
                    self.push(TokenKind::Ident, text, Some(ident.into()), (span, span));
                }
                TokenTree::Literal(literal) => self.literal(&literal),
                TokenTree::Punct(punct) => {
                    let mut punct_run = vec![punct];
                    while let Some(TokenTree::Punct(next)) = trees.peek() {
                        // A macro that passes a flow on may separate the bar from its arrow.
                        let is_split = matches!(punct_run.as_slice(), [bar] if bar.as_char() == '|')
                            && next.as_char() == '-';
                        if !is_split
                            && punct_run.last().is_none_or(|last| last.spacing() == Spacing::Alone)
                        {
                            break;
                        }
                        punct_run.push(next.clone());
                        trees.next();
                    }
                    self.punct_run(&punct_run);
                }
            }
        }
    }

    fn group(&mut self, group: &proc_macro2::Group) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => (TokenKind::LParen, TokenKind::RParen),
            Delimiter::Brace => (TokenKind::LBrace, TokenKind::RBrace),
            Delimiter::Bracket => (TokenKind::LBracket, TokenKind::RBracket),
            Delimiter::None => return self.stream(group.stream()),
        };
        let (start, end) = (group.span_open(), group.span_close());
        self.push(open, open.spelling().unwrap_or_default(), None, (start, start));
        self.stream(group.stream());
        self.push(close, close.spelling().unwrap_or_default(), None, (end, end));
    }

    fn literal(&mut self, literal: &proc_macro2::Literal) {
        let (written, span) = (literal.to_string(), literal.span());
        let (kind, text) = match Lit::new(literal.clone()) {
            Lit::Str(text) => (TokenKind::Str, text.value()),
            Lit::Int(_) => (TokenKind::Int, written),
            Lit::Float(_) => (TokenKind::Float, written),
            _ => (TokenKind::Unknown, written),
        };
        // A sign belongs to the number behind it.
        if matches!(kind, TokenKind::Int | TokenKind::Float)
            && let (Some(last), Some(source_token)) =
                (self.tokens.last_mut(), self.source_tokens.last_mut())
            && last.kind == TokenKind::Unknown
            && last.text == "-"
        {
            last.kind = kind;
            last.text = format!("-{text}").into();
            source_token.end = span;
            return;
        }
        self.push(kind, text, Some(literal.clone().into()), (span, span));
    }

    /// Punctuation without blanks, split into tokens as the text lexer splits it.
    fn punct_run(&mut self, punct_run: &[proc_macro2::Punct]) {
        let text: String = punct_run.iter().map(proc_macro2::Punct::as_char).collect();
        let odd = |c: char| matches!(c, '#' | '\'' | '"' | '/');
        let mut at = 0;
        while at < punct_run.len() {
            let rest = text.get(at..).unwrap_or_default();
            let plain = rest.find(odd).unwrap_or(rest.len());
            if plain == 0 {
                self.punct(TokenKind::Unknown, &text, punct_run, at..at + 1);
                at += 1;
                continue;
            }
            for token in lex(rest.get(..plain).unwrap_or_default()).0 {
                let range = at + token.span.start as usize..at + token.span.end as usize;
                self.punct(token.kind, &text, punct_run, range);
            }
            at += plain;
        }
    }

    fn punct(
        &mut self,
        kind: TokenKind,
        text: &str,
        punct_run: &[proc_macro2::Punct],
        range: std::ops::Range<usize>,
    ) {
        let text = text.get(range.clone()).unwrap_or_default().to_owned();
        let Some(puncts) = punct_run.get(range) else { return };
        let (Some(first), Some(last)) = (puncts.first(), puncts.last()) else { return };
        self.push(kind, text, Some(first.clone().into()), (first.span(), last.span()));
    }
}

/// `::` at the span of `source_token`.
fn path_separator(source_token: &SourceToken) -> TokenStream {
    let mut first = proc_macro2::Punct::new(':', Spacing::Joint);
    let mut second = proc_macro2::Punct::new(':', Spacing::Alone);
    first.set_span(source_token.start);
    second.set_span(source_token.end);
    [TokenTree::from(first), TokenTree::from(second)].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::Tokens;

    fn parsed(stream: proc_macro2::TokenStream) -> String {
        let tokens = Tokens::new(stream);
        nexus_pointy::parse_tokens(&tokens.tokens, tokens.end()).flow.to_string()
    }

    #[test]
    fn rust_tokens_parse_as_text_does() {
        let flow = quote!(a::b |-> c || d (0 -> x, premium |-> {y -> r#type}) -> e[factor = -1.5, on = true] * 3);
        assert_eq!(
            parsed(flow),
            "a::b |-> c || d (0 -> x, premium |-> {y -> type}) -> e[factor = -1.5, on = true] * 3"
        );
    }

    #[test]
    fn paths_keep_the_users_tokens() {
        let tokens = Tokens::new(quote!(a -> steps::b));
        let range = nexus_pointy::Span::new(2, 5);
        assert_eq!(tokens.path(range).to_string(), "steps :: b");
    }

    #[test]
    fn a_path_ends_before_what_is_none() {
        let tokens = Tokens::new(quote!(a -> steps::b::<u32>));
        for (end, path) in
            [(5, "steps :: b"), (6, "steps :: b ::"), (7, "steps :: b"), (9, "steps :: b")]
        {
            let range = nexus_pointy::Span::new(2, end);
            assert_eq!(tokens.path(range).to_string(), path);
        }
    }
}
