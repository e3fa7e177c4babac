//! The syntax of `key = value, key = { key: value }`, and nothing but the syntax.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Path, Result, Token, Type, braced, bracketed, token};

use crate::ctxt::Ctxt;

/// `key` or `key = value`.
pub(crate) struct Arg {
    pub(crate) key: Ident,
    pub(crate) value: Option<Value>,
}

/// The value of a key.
pub(crate) enum Value {
    Expr(Expr),
    Type(Type),
    Types(Vec<Type>),
    Path(Path),
    Group(Vec<Arg>, TokenStream),
}

/// The arguments of an attribute, as far as they can be read.
pub(crate) fn args(cx: &Ctxt, tokens: TokenStream) -> Vec<Arg> {
    let parser = |input: ParseStream<'_>| Ok(list(cx, input, false));
    cx.ok(parser.parse2(tokens)).unwrap_or_default()
}

fn list(cx: &Ctxt, input: ParseStream<'_>, in_group: bool) -> Vec<Arg> {
    let mut args = Vec::new();
    while !input.is_empty() {
        match arg(cx, input, in_group) {
            Ok(arg) => args.push(arg),
            Err(error) => {
                cx.push(error);
                skip(input);
            }
        }
        if !input.is_empty() && input.parse::<Token![,]>().is_err() {
            cx.error_at(input.span(), "expected `,` before the next key");
            skip(input);
            let _ = input.parse::<Token![,]>();
        }
    }
    args
}

/// Skips to the next comma.
fn skip(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        let _ = input.parse::<TokenTree>();
    }
}

fn arg(cx: &Ctxt, input: ParseStream<'_>, in_group: bool) -> Result<Arg> {
    if !input.peek(Ident::peek_any) {
        let message = "expected a setting, such as `executor = ThreadPoolExecutor`";
        return Err(syn::Error::new(input.span(), message));
    }
    let key = input.call(Ident::parse_any)?;
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(Arg { key, value: None });
    }
    if input.peek(token::Paren) {
        let message =
            format!("write `{key} = ..`; groups stand in braces, as in `{key} = {{ key: value }}`");
        return Err(syn::Error::new(input.span(), message));
    }
    separator(cx, input, in_group, &key)?;
    let value = value(cx, input, &key)?;
    Ok(Arg { key, value: Some(value) })
}

/// `=`, or in a group `:`. The other one is reported, and taken.
fn separator(cx: &Ctxt, input: ParseStream<'_>, in_group: bool, key: &Ident) -> Result<()> {
    let place = input.span();
    let (is_equals, is_colon) = (input.peek(Token![=]), input.peek(Token![:]));
    if is_equals {
        input.parse::<Token![=]>()?;
    } else if is_colon {
        input.parse::<Token![:]>()?;
    } else {
        let right = if in_group { ":" } else { "=" };
        return Err(syn::Error::new(
            place,
            format!("expected `{right}` and a value after `{key}`"),
        ));
    }
    if in_group && is_equals {
        cx.error_at(place, format!("expected `:` in braces; write `{key}: ..`"));
    } else if !in_group && is_colon {
        cx.error_at(place, format!("expected `=`; write `{key} = ..`"));
    }
    Ok(())
}

fn value(cx: &Ctxt, input: ParseStream<'_>, key: &Ident) -> Result<Value> {
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(key.span(), format!("`{key}` needs a value")));
    }
    if input.peek(token::Brace) {
        let whole: TokenStream = input.fork().parse::<TokenTree>()?.into();
        let inner;
        braced!(inner in input);
        return Ok(Value::Group(list(cx, &inner, true), whole));
    }
    match key.to_string().as_str() {
        "executor" => {
            if let Some(ty) = type_alone(input) {
                return Ok(Value::Type(ty));
            }
        }
        "crate" => return input.call(Path::parse_mod_style).map(Value::Path),
        "retry_on_exceptions" if input.peek(token::Bracket) => {
            let inner;
            bracketed!(inner in input);
            let types = Punctuated::<Type, Token![,]>::parse_terminated(&inner)?;
            return Ok(Value::Types(types.into_iter().collect()));
        }
        _ => {}
    }
    input.parse().map(Value::Expr)
}

/// A type that nothing follows.
fn type_alone(input: ParseStream<'_>) -> Option<Type> {
    let fork = input.fork();
    let ty: Type = fork.parse().ok()?;
    if !fork.is_empty() && !fork.peek(Token![,]) {
        return None;
    }
    input.advance_to(&fork);
    Some(ty)
}

impl Arg {
    pub(crate) fn name(&self) -> String {
        crate::span::without_raw_prefix(&self.key)
    }

    pub(crate) fn span(&self) -> Span {
        self.key.span()
    }
}
