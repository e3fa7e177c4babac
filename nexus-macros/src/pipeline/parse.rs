//! The arguments of `#[pipeline(..)]`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{DeriveInput, Ident, Lit, LitStr, Meta};

use super::source::Source;
use super::tokens::Tokens;
use crate::args::{self, ArgValue, PIPELINE, Value};
use crate::ctxt::Ctxt;
use crate::root::Root;

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

/// Reads the attribute of the struct `input`.
pub(crate) fn parse(cx: &Ctxt, input: &DeriveInput) -> PipelineArgs {
    let mut args = PipelineArgs::default();
    let mut attrs = input.attrs.iter().filter(|attr| attr.path().is_ident("pipeline"));
    let missing = format!("missing flow; {}", PIPELINE.shape);
    let Some(attr) = attrs.next() else {
        cx.error(&input.ident, missing);
        return args;
    };
    if let Some(second) = attrs.next() {
        cx.error(second, "`#[pipeline(..)]` is given twice; keep one of the two");
    }
    let Meta::List(list) = &attr.meta else {
        cx.error(attr, missing);
        return args;
    };
    let given = args::parse(cx, list.tokens.clone(), &PIPELINE);
    for (arg, key) in args::known(cx, given, PIPELINE.keys) {
        match (key.name, arg.value) {
            ("flow" | "file", _) if args.source.is_some() => {
                cx.error(&arg.key, "a pipeline has one flow; keep `flow` or `file`");
            }
            ("flow", Some(Value::Flow(tokens))) => args.source = flow(cx, tokens),
            ("crate", Some(Value::Path(path))) => args.root = Root::new(Some(path)),
            (name, value) => match (name, args::value(cx, key, &arg.key, value)) {
                ("timeout", value) => args.timeout = value,
                ("durable", Some(ArgValue::Flag(true))) => args.durable = Some(arg.key),
                ("file", Some(ArgValue::Text(path))) => {
                    args.source = super::source::file(cx, &path);
                }
                ("name", Some(ArgValue::Text(name))) => args.name = Some(name.value()),
                ("schedule", Some(ArgValue::Text(text))) => args.schedule = Some(text),
                ("zone", Some(ArgValue::Text(text))) => args.zone = Some(text),
                _ => {}
            },
        }
    }
    if args.source.is_none() && cx.is_clean() {
        cx.error(attr, missing);
    }
    args
}

fn flow(cx: &Ctxt, value: TokenStream) -> Option<Source> {
    let trees: Vec<TokenTree> = value.clone().into_iter().collect();
    let [TokenTree::Literal(literal)] = trees.as_slice() else {
        return Some(Source::Tokens(Tokens::new(value)));
    };
    if let Lit::Str(text) = Lit::new(literal.clone()) {
        return Some(super::source::text(&text));
    }
    cx.error(literal.to_token_stream(), PIPELINE.shape);
    None
}
