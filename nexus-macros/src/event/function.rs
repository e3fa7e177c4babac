//! `#[event]` on a function.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, Ident, Result, Signature, Visibility, parse_quote, token};

use super::args::{self, EventArgs};
use super::expand::{self, Parts};
use super::{params, settings};
use crate::args::{EVENT, parse};
use crate::ctxt::Ctxt;
use crate::derive::fields::doc;
use crate::span::{end_spans, ident, respan_type, without_location, without_raw_prefix};

/// A function whose body is not parsed, and passed on as it is.
pub(crate) struct Function {
    attrs: Vec<Attribute>,
    vis: Visibility,
    sig: Signature,
    body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let (vis, sig) = (input.parse()?, input.parse()?);
        if !input.peek(token::Brace) {
            return Err(input.error("an event needs a body"));
        }
        Ok(Self { attrs, vis, sig, body: input.parse()? })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

/// The function as it is, its handle, and the event that the handle is.
pub(crate) fn function(args: TokenStream, mut item: Function) -> TokenStream {
    let cx = Ctxt::default();
    let args = args::check(&cx, parse(&cx, args, &EVENT));
    let model = params::read(&cx, &mut item.sig, false);
    if item.sig.receiver().is_some() {
        // An impl block cannot hold the items that the macro adds.
        let errors = cx.finish();
        return quote!(#item #errors);
    }
    let handle = handle(&item);
    let event = match &model {
        Some(model) if cx.is_clean() => event(&args, &item, model),
        _ => fallback(&args, &item),
    };
    let errors = cx.finish();
    let allow = super::allow_parameter_forms();
    let output = quote!(#allow #item #handle #event #errors);
    crate::debug::print(&without_raw_prefix(&item.sig.ident), "#[event]", &output);
    output
}

/// The type by which flows name the function. It has braces, so that it takes its name only in the
/// namespace of types: a unit struct would collide with the function and with local variables.
fn handle(item: &Function) -> TokenStream {
    let (vis, name) = (&item.vis, &item.sig.ident);
    let (cfgs, deprecated) = (attrs(item, "cfg"), attrs(item, "deprecated"));
    let about = format!("The event [`fn@{name}`], for flows and reports.");
    let doc = match doc(&item.attrs) {
        text if text.is_empty() => about,
        text => format!("{text}\n\n{about}"),
    };
    quote! {
        #(#cfgs)*
        #(#deprecated)*
        #[doc = #doc]
        #[allow(non_camel_case_types, missing_debug_implementations, missing_copy_implementations)]
        #vis struct #name {}
    }
}

/// The attributes of that name, which hold for the handle as well. A deprecated event is named where a
/// flow uses it.
fn attrs<'f>(item: &'f Function, name: &'static str) -> impl Iterator<Item = &'f Attribute> {
    item.attrs.iter().filter(move |attr| attr.path().is_ident(name))
}

/// What stands above the event's code: whether it is there at all, and that it may use what is
/// deprecated.
fn code_attrs(item: &Function) -> TokenStream {
    let cfgs = attrs(item, "cfg");
    let allow = attrs(item, "deprecated").next().map(|_| quote!(#[allow(deprecated)]));
    quote!(#(#cfgs)* #allow)
}

fn event(args: &EventArgs, item: &Function, model: &params::Model) -> TokenStream {
    let (private, runtime) = &expand::runtime(&args.root);
    let me = without_location(&item.sig.ident);
    let name = args.name.clone().unwrap_or_else(|| without_raw_prefix(&me));
    let ty = parse_quote!(#me);
    let Parts { aliases, parameter_impls, types, spec, checks } =
        expand::parts(private, &ty, model);
    let (functions, code) = expand::function_code(private, &ty, &quote!(#me), model);
    let executor = expand::executor(private, &me, args.executor.as_ref());
    let remote = expand::remote(args.executor.as_ref());
    let transfer_check =
        args.executor.as_ref().map(|_| expand::transfer_check(private, &ty, model, &remote));
    let attrs = code_attrs(item);
    let (bypass, options) = options(private, &me, args, model);
    let doc = doc(&item.attrs);
    quote! {
        #attrs
        const _: () = {
            #runtime
            #aliases
            #executor
            #parameter_impls
            #checks
            #functions
            #bypass
            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #private::Event for #me {
                #types
                const SPEC: &'static #private::Spec = &#private::Spec {
                    name: #name,
                    doc: #doc,
                    #spec
                    options: #options,
                    code: #code,
                    place: ::core::concat!(::core::file!(), ":", ::core::line!()),
                };
            }
            #private::submit!(#private, #me);
            #transfer_check
        };
    }
}

/// The function that asks the bypass check, and what few events say of themselves.
fn options(
    private: &TokenStream,
    me: &Ident,
    args: &EventArgs,
    model: &params::Model,
) -> (Option<TokenStream>, TokenStream) {
    let (mut function, mut said) = (None, TokenStream::new());
    if let Some(path) = &args.bypass {
        let name = ident("__bypass");
        function = Some(bypass(private, me, path, &name));
        said.extend(quote!(bypass: #private::Option::Some(#name),));
    }
    if let Some(settings) = settings::settings(private, args) {
        said.extend(quote!(settings: #private::Option::Some(|| #settings),));
    }
    if let Some(checkpoint) = settings::checkpoint(args) {
        said.extend(quote!(checkpoint: #checkpoint,));
    }
    if model.is_async.is_some() {
        said.extend(quote!(is_async: true,));
    }
    let none = quote!(#private::Options::NONE);
    let options =
        if said.is_empty() { quote!(&#none) } else { quote!(&#private::Options { #said ..#none }) };
    (function, options)
}

/// The function that asks the bypass check.
fn bypass(private: &TokenStream, me: &Ident, path: &Expr, name: &Ident) -> TokenStream {
    let inputs = ident("__inputs");
    let ask = match path {
        Expr::Closure(_) => {
            quote!(#private::bypass::<<#me as #private::Event>::Output, _>(#path, #inputs))
        }
        path => {
            // The error of a wrong answer is shown at the function's name.
            let (start, end) = end_spans(path);
            let answer = respan_type(quote!(<() as #private::Id>::Same<_>), start, end);
            let yielded = quote!(<#me as #private::Event>::Output);
            quote!(<#answer as #private::IntoBypass<#yielded>>::into_bypass((#path)(#inputs.context())))
        }
    };
    quote! {
        fn #name(#inputs: &#private::Inputs<'_>)
            -> #private::Result<#private::Bypass<#private::Value>, #private::Exception>
        {
            #ask
        }
    }
}

/// A fallback implementation of the event, so that only the macro's own errors show.
fn fallback(args: &EventArgs, item: &Function) -> TokenStream {
    let attrs = code_attrs(item);
    let me = without_location(&item.sig.ident);
    let event = super::fallback(&args.root.private(), &quote!(#me));
    quote!(#attrs const _: () = { #event };)
}
