//! Types as people write them, for messages.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// `tokens` with the blanks that rustfmt would leave.
pub(crate) fn text(tokens: impl ToTokens) -> String {
    let mut out = String::new();
    write(tokens.into_token_stream(), &mut out);
    out
}

fn write(tokens: TokenStream, out: &mut String) {
    let mut word = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                write(group.stream(), out);
                out.push_str(close);
                word = false;
            }
            TokenTree::Punct(punct) => {
                write_punct(punct.as_char(), punct.spacing(), out);
                word = false;
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                let after_lifetime =
                    word || out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
                if after_lifetime {
                    out.push(' ');
                }
                out.push_str(&token.to_string());
                word = true;
            }
        }
    }
}

fn write_punct(c: char, spacing: Spacing, out: &mut String) {
    match c {
        ',' | ';' => {
            out.push(c);
            out.push(' ');
        }
        '+' | '=' => {
            out.push(' ');
            out.push(c);
            out.push(' ');
        }
        '-' if spacing == Spacing::Joint => out.push_str(" -"),
        '>' if out.ends_with('-') => out.push_str("> "),
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    #[test]
    fn types_read_as_written() {
        for (tokens, expected) in [
            (quote!(&Order), "&Order"),
            (quote!(Vec<(u32, String)>), "Vec<(u32, String)>"),
            (quote!(&'static str), "&'static str"),
            (quote!(std::sync::Arc<[u8; 4]>), "std::sync::Arc<[u8; 4]>"),
            (quote!(Box<dyn Fn(u8) -> u8 + Send>), "Box<dyn Fn(u8) -> u8 + Send>"),
        ] {
            assert_eq!(super::text(tokens), expected);
        }
    }
}
