//! The syntax of `key = value, key = { key: value }`, and nothing but the syntax.

use nexus_pointy::settings::{Key, ValueKind};
use nexus_pointy::{code, suggest};
use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Path, Result, Token, Type, braced, bracketed, token};

use super::Table;
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
    Flow(TokenStream),
    Group(Vec<Arg>, TokenStream),
}

/// The arguments of an attribute, as far as they can be read.
pub(crate) fn parse(cx: &Ctxt, tokens: TokenStream, table: &Table) -> Vec<Arg> {
    let parser = |input: ParseStream<'_>| Ok(list(cx, input, table, false));
    cx.ok(parser.parse2(tokens)).unwrap_or_default()
}

fn list(cx: &Ctxt, input: ParseStream<'_>, table: &Table, in_group: bool) -> Vec<Arg> {
    let mut args = Vec::new();
    while !input.is_empty() {
        match arg(cx, input, table, in_group) {
            Ok(arg) => args.push(arg),
            Err(error) => {
                cx.push(error);
                skip(input);
            }
        }
        if !input.is_empty() && input.parse::<Token![,]>().is_err() {
            let code = code::MISSING_COMMA;
            cx.error_at(input.span(), format!("expected `,` before the next key [{code}]"));
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

fn arg(cx: &Ctxt, input: ParseStream<'_>, table: &Table, in_group: bool) -> Result<Arg> {
    let Table { keys, shape } = *table;
    if !input.peek(Ident::peek_any) {
        let message = format!("expected a setting; {shape} [{}]", code::BAD_KEY);
        return Err(syn::Error::new(input.span(), message));
    }
    let key = input.call(Ident::parse_any)?;
    if ends(input) {
        return Ok(Arg { key, value: None });
    }
    separator(cx, input, &key, in_group, shape)?;
    let value = value(cx, input, &key, keys)?;
    Ok(Arg { key, value: Some(value) })
}

/// Whether an argument ends here.
fn ends(input: ParseStream<'_>) -> bool {
    input.is_empty() || input.peek(Token![,])
}

/// `=`, or in a group `:`. The other one is reported, and taken.
fn separator(
    cx: &Ctxt,
    input: ParseStream<'_>,
    key: &Ident,
    in_group: bool,
    shape: &str,
) -> Result<()> {
    let (place, code) = (input.span(), code::WRONG_SEPARATOR);
    let (is_equals, is_colon) = (input.peek(Token![=]), input.peek(Token![:]));
    if is_equals {
        input.parse::<Token![=]>()?;
    } else if is_colon {
        input.parse::<Token![:]>()?;
    } else {
        let right = if in_group { ":" } else { "=" };
        let message = format!("expected `{right}` and a value after `{key}`; {shape} [{code}]");
        return Err(syn::Error::new(place, message));
    }
    if in_group && is_equals {
        cx.error_at(place, format!("expected `:` in braces; write `{key}: ..` [{code}]"));
    } else if !in_group && is_colon {
        cx.error_at(place, format!("expected `=`; write `{key} = ..` [{code}]"));
    }
    Ok(())
}

fn value(cx: &Ctxt, input: ParseStream<'_>, key: &Ident, keys: &'static [Key]) -> Result<Value> {
    let kind = keys.iter().find(|known| key == known.name).map(|known| known.kind);
    match kind {
        Some(ValueKind::Flow) => return flow(input, keys).map(Value::Flow),
        _ if ends(input) => {
            let message = format!("expected a value after `{key}` [{}]", code::BAD_VALUE);
            return Err(syn::Error::new(key.span(), message));
        }
        Some(ValueKind::Path) => return input.call(Path::parse_mod_style).map(Value::Path),
        Some(ValueKind::Expr | ValueKind::OptionalExpr) => return input.parse().map(Value::Expr),
        Some(ValueKind::Types) if input.peek(token::Bracket) => {
            let inner;
            bracketed!(inner in input);
            let types = Punctuated::<Type, Token![,]>::parse_terminated(&inner)?;
            return Ok(Value::Types(types.into_iter().collect()));
        }
        _ => {}
    }
    if input.peek(token::Brace) {
        let whole: TokenStream = input.fork().parse::<TokenTree>()?.into();
        let keys = if let Some(ValueKind::Group(keys)) = kind { keys } else { &[] };
        let shape = "write `{ key: value }`";
        let inner;
        braced!(inner in input);
        return Ok(Value::Group(list(cx, &inner, &Table { keys, shape }, true), whole));
    }
    if kind == Some(ValueKind::Type)
        && let Some(ty) = type_alone(input)
    {
        return Ok(Value::Type(ty));
    }
    input.parse().map(Value::Expr)
}

/// A type that nothing follows.
fn type_alone(input: ParseStream<'_>) -> Option<Type> {
    let fork = input.fork();
    let ty: Type = fork.parse().ok()?;
    if !ends(&fork) {
        return None;
    }
    input.advance_to(&fork);
    Some(ty)
}

/// Everything up to the comma before the next argument: a flow itself has no comma outside of
/// brackets that an argument follows.
fn flow(input: ParseStream<'_>, keys: &[Key]) -> Result<TokenStream> {
    let mut flow = TokenStream::new();
    while !(input.is_empty() || input.peek(Token![,]) && goes_on(&input.fork(), keys)) {
        flow.extend([input.parse::<TokenTree>()?]);
    }
    Ok(flow)
}

/// Whether behind a comma there is nothing, `key =`, a key alone, or nearly a flag.
fn goes_on(input: ParseStream<'_>, keys: &[Key]) -> bool {
    let _ = input.parse::<Token![,]>();
    let Ok(key) = input.call(Ident::parse_any) else { return input.is_empty() };
    if ends(input) {
        let flags = keys.iter().filter(|known| known.kind == ValueKind::Flag || key == known.name);
        return suggest::nearest(&key.to_string(), flags.map(|flag| flag.name)).is_some();
    }
    input.peek(Token![=]) && !input.peek(Token![==]) && !input.peek(Token![=>])
}

impl Arg {
    pub(crate) fn name(&self) -> String {
        crate::span::without_raw_prefix(&self.key)
    }
}
