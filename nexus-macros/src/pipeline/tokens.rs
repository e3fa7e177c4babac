//! Rust tokens as tokens of Pointy, so that there is one parser. The place of a token is its index;
//! the table here turns it back into the compiler's.

use std::borrow::Cow;

use nexus_pointy::{Span as Range, Token, TokenKind, lex};
use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use syn::Lit;

/// The tokens of a flow, with the compiler's places.
#[derive(Default)]
pub(crate) struct Tokens {
    pub(crate) tokens: Vec<Token<'static>>,
    pieces: Vec<Piece>,
}

/// The Rust tokens that make one of Pointy's; brackets keep their place only.
struct Piece {
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

    /// The range behind the last token.
    pub(crate) fn end(&self) -> Range {
        let end = self.pieces.len() as u32;
        Range::new(end, end)
    }

    /// The first and the last place of a range; an empty one is where its neighbour is.
    pub(crate) fn places(&self, range: Range) -> (Span, Span) {
        let last = self.pieces.len().saturating_sub(1);
        let first = (range.start as usize).min(last);
        let end = (range.end as usize).saturating_sub(1).clamp(first, last.max(first));
        match (self.pieces.get(first), self.pieces.get(end)) {
            (Some(first), Some(end)) => (first.start, end.end),
            _ => (Span::call_site(), Span::call_site()),
        }
    }

    /// The user's own tokens of a range without brackets.
    pub(crate) fn source(&self, range: Range) -> TokenStream {
        let pieces = self.pieces.get(range.start as usize..range.end as usize).unwrap_or_default();
        let mut out = TokenStream::new();
        for piece in pieces {
            match &piece.tree {
                Some(tree) if matches!(tree, TokenTree::Ident(_)) => out.extend([tree.clone()]),
                Some(_) | None => out.extend(path_separator(piece)),
            }
        }
        out
    }

    fn push(
        &mut self,
        kind: TokenKind,
        text: impl Into<Cow<'static, str>>,
        tree: Option<TokenTree>,
        places: (Span, Span),
    ) {
        let index = self.pieces.len() as u32;
        self.tokens.push(Token { kind, span: Range::new(index, index + 1), text: text.into() });
        self.pieces.push(Piece { tree, start: places.0, end: places.1 });
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
                    let mut run = vec![punct];
                    while let Some(TokenTree::Punct(next)) = trees.peek() {
                        // Macros that hand a flow on may part the bar from its arrow.
                        let parted = matches!(run.as_slice(), [bar] if bar.as_char() == '|')
                            && next.as_char() == '-';
                        if !parted && run.last().is_none_or(|last| last.spacing() == Spacing::Alone)
                        {
                            break;
                        }
                        run.push(next.clone());
                        trees.next();
                    }
                    self.run(&run);
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
            && let (Some(last), Some(piece)) = (self.tokens.last_mut(), self.pieces.last_mut())
            && last.kind == TokenKind::Unknown
            && last.text == "-"
        {
            last.kind = kind;
            last.text = format!("-{text}").into();
            piece.end = span;
            return;
        }
        self.push(kind, text, Some(literal.clone().into()), (span, span));
    }

    /// Punctuation without blanks between, cut as the text lexer cuts it.
    fn run(&mut self, run: &[proc_macro2::Punct]) {
        let text: String = run.iter().map(proc_macro2::Punct::as_char).collect();
        let odd = |c: char| matches!(c, '#' | '\'' | '"' | '/');
        let mut at = 0;
        while at < run.len() {
            let rest = text.get(at..).unwrap_or_default();
            let plain = rest.find(odd).unwrap_or(rest.len());
            if plain == 0 {
                self.punct(TokenKind::Unknown, &text, run, at..at + 1);
                at += 1;
                continue;
            }
            for token in lex(rest.get(..plain).unwrap_or_default()).0 {
                let range = at + token.span.start as usize..at + token.span.end as usize;
                self.punct(token.kind, &text, run, range);
            }
            at += plain;
        }
    }

    fn punct(
        &mut self,
        kind: TokenKind,
        text: &str,
        run: &[proc_macro2::Punct],
        range: std::ops::Range<usize>,
    ) {
        let text = text.get(range.clone()).unwrap_or_default().to_owned();
        let Some(puncts) = run.get(range) else { return };
        let (Some(first), Some(last)) = (puncts.first(), puncts.last()) else { return };
        self.push(kind, text, Some(first.clone().into()), (first.span(), last.span()));
    }
}

/// `::` at its place.
fn path_separator(piece: &Piece) -> TokenStream {
    let mut first = proc_macro2::Punct::new(':', Spacing::Joint);
    let mut second = proc_macro2::Punct::new(':', Spacing::Alone);
    first.set_span(piece.start);
    second.set_span(piece.end);
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
        assert_eq!(tokens.source(range).to_string(), "steps :: b");
    }
}
