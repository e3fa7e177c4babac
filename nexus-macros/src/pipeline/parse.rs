//! The arguments of `#[pipeline(..)]`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{DeriveInput, Expr, Ident, Lit, LitBool, LitStr, Meta, Path};

use super::source::Source;
use super::tokens::Tokens;
use crate::ctxt::Ctxt;
use crate::event::args::{self, ArgValue};
use crate::root::Root;

const KEYS: [&str; 8] = ["flow", "file", "durable", "name", "timeout", "schedule", "zone", "crate"];
const SHAPE: &str =
    "write `#[pipeline(flow = first -> second)]`, or `#[pipeline(file = \"flow.pty\")]`";

/// The arguments of `#[pipeline(..)]`.
#[derive(Default)]
pub(crate) struct PipelineArgs {
    pub(crate) root: Root,
    pub(crate) name: Option<String>,
    pub(crate) timeout: Option<ArgValue>,
    pub(crate) source: Option<Source>,
    /// The key `durable`, unless it is set to `false`.
    pub(crate) durable: Option<Ident>,
    /// When it runs by itself.
    pub(crate) schedule: Option<LitStr>,
    /// The time zone that this is meant in.
    pub(crate) zone: Option<LitStr>,
}

/// One argument: its key, and everything up to the next.
struct Arg {
    key: Ident,
    value: TokenStream,
}

/// Reads the attribute of the struct `input`.
pub(crate) fn parse(cx: &Ctxt, input: &DeriveInput) -> PipelineArgs {
    let mut args = PipelineArgs::default();
    let mut attrs = input.attrs.iter().filter(|attr| attr.path().is_ident("pipeline"));
    let Some(attr) = attrs.next() else {
        cx.error(&input.ident, format!("missing flow; {SHAPE}"));
        return args;
    };
    if let Some(second) = attrs.next() {
        cx.error(second, "`#[pipeline(..)]` is given twice; keep one of the two");
    }
    let Meta::List(list) = &attr.meta else {
        cx.error(attr, format!("missing flow; {SHAPE}"));
        return args;
    };
    let mut seen: Vec<String> = Vec::new();
    for arg in split(cx, list.tokens.clone()) {
        let key = arg.key.to_string();
        if seen.contains(&key) {
            cx.error(&arg.key, format!("`{key}` is given twice; keep one of the two"));
            continue;
        }
        let may_be_empty = matches!(&*key, "flow" | "durable") || !KEYS.contains(&&*key);
        if arg.value.is_empty() && !may_be_empty {
            cx.error(&arg.key, format!("`{key}` needs a value"));
            continue;
        }
        match key.as_str() {
            "flow" | "file" if args.source.is_some() => {
                cx.error(&arg.key, "a pipeline has one flow; keep `flow` or `file`");
            }
            "flow" => args.source = flow(cx, arg.value),
            "file" => args.source = text(cx, &arg).and_then(|path| super::source::file(cx, &path)),
            "timeout" => args.timeout = timeout(cx, arg),
            "durable" => args.durable = is_set(cx, &arg).then_some(arg.key),
            "name" => args.name = text(cx, &arg).map(|name| name.value()),
            "schedule" => args.schedule = text(cx, &arg),
            "zone" => args.zone = text(cx, &arg),
            "crate" => {
                let path = syn::parse::Parser::parse2(Path::parse_mod_style, arg.value);
                args.root = Root::new(cx.ok(path));
            }
            _ => cx.error(&arg.key, unknown(&key)),
        }
        seen.push(key);
    }
    if args.source.is_none() && cx.is_clean() {
        cx.error(attr, format!("missing flow; {SHAPE}"));
    }
    args
}

fn unknown(key: &str) -> String {
    let help = match nexus_pointy::suggest::nearest(key, KEYS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "there are `flow`, `file`, `durable`, `name`, `timeout`, `schedule`, `zone` and `crate`"
                .to_owned()
        }
    };
    format!("unknown setting `{key}` of a pipeline; {help}")
}

/// Splits at each comma that `key =` or `durable` follows: a flow has no such comma outside of
/// brackets.
fn split(cx: &Ctxt, tokens: TokenStream) -> Vec<Arg> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut args: Vec<Arg> = Vec::new();
    let mut at = 0;
    while at < trees.len() {
        let rest = trees.get(at..).unwrap_or_default();
        if let Some(key) = starts_arg(rest) {
            args.push(Arg { key: key.clone(), value: TokenStream::new() });
            at += if is_punct(trees.get(at + 1), '=') { 2 } else { 1 };
            continue;
        }
        let behind = trees.get(at + 1..).unwrap_or_default();
        let ends =
            is_punct(rest.first(), ',') && (behind.is_empty() || starts_arg(behind).is_some());
        match args.last_mut() {
            None => {
                cx.error(rest.iter().cloned().collect::<TokenStream>(), SHAPE);
                return args;
            }
            Some(_) if ends => {}
            Some(arg) => arg.value.extend([trees[at].clone()]),
        }
        at += 1;
    }
    args
}

/// The key, if `key =` or `durable` comes next, at the start or after a comma.
fn starts_arg(trees: &[TokenTree]) -> Option<&Ident> {
    let Some(TokenTree::Ident(key)) = trees.first() else { return None };
    if trees.get(1).is_none() || is_punct(trees.get(1), ',') {
        let is_flag = nexus_pointy::suggest::nearest(&key.to_string(), ["durable"]).is_some();
        return is_flag.then_some(key);
    }
    let is_arg =
        is_punct(trees.get(1), '=') && !(is_punct(trees.get(2), '=') || is_joint_arrow(trees));
    is_arg.then_some(key)
}

/// `=>`, which is no `=`.
fn is_joint_arrow(trees: &[TokenTree]) -> bool {
    let joint = matches!(trees.get(1), Some(TokenTree::Punct(it)) if it.spacing() == proc_macro2::Spacing::Joint);
    joint && is_punct(trees.get(2), '>')
}

fn is_punct(tree: Option<&TokenTree>, c: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == c)
}

fn flow(cx: &Ctxt, value: TokenStream) -> Option<Source> {
    let trees: Vec<TokenTree> = value.clone().into_iter().collect();
    let [TokenTree::Literal(literal)] = trees.as_slice() else {
        return Some(Source::Tokens(Tokens::new(value)));
    };
    if let Lit::Str(text) = Lit::new(literal.clone()) {
        return Some(super::source::text(&text));
    }
    cx.error(literal.to_token_stream(), SHAPE);
    None
}

/// Whether a flag is set: it has no value, or `true`.
fn is_set(cx: &Ctxt, arg: &Arg) -> bool {
    if arg.value.is_empty() {
        return true;
    }
    let Arg { key, value } = arg;
    let flag: Option<LitBool> = syn::parse2(value.clone())
        .map_err(|_| cx.error(value, format!("`{key}` takes no value, `true` or `false`")))
        .ok();
    flag.is_some_and(|flag| flag.value)
}

fn timeout(cx: &Ctxt, arg: Arg) -> Option<ArgValue> {
    let expr: Expr = cx.ok(syn::parse2(arg.value))?;
    args::timeout(cx, &arg.key, expr)
}

fn text(cx: &Ctxt, arg: &Arg) -> Option<LitStr> {
    let key = &arg.key;
    syn::parse2(arg.value.clone())
        .map_err(|_| cx.error(&arg.value, format!("`{key}` takes a string")))
        .ok()
}
