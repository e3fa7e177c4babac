//! `#[event]` on the impl block of a struct event.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{FnArg, ImplItem, ImplItemFn, ItemImpl, ReturnType, Type};

use super::expand::{self, Parts};
use super::{args, params};
use crate::args::{EVENT, parse};
use crate::ctxt::Ctxt;
use crate::root::Root;
use crate::span::{end_spans, ident, respan_type};

/// The impl block as it is, and what its `process` makes of the struct.
pub(crate) fn block(tokens: TokenStream, mut item: ItemImpl) -> TokenStream {
    let cx = Ctxt::default();
    let given = parse(&cx, tokens, &EVENT);
    let (root, settings): (Vec<_>, Vec<_>) = given.into_iter().partition(|arg| arg.key == "crate");
    for arg in &settings {
        let key = &arg.key;
        cx.error(
            key,
            format!(
                "settings stand on the struct; write `#[derive(Event)] #[event({key} = ..)] struct ..`"
            ),
        );
    }
    let root = args::check(&cx, root).root;
    let process = check(&cx, &mut item);
    let model = process.and_then(|index| match item.items.get_mut(index) {
        Some(ImplItem::Fn(process)) => params::read(&cx, &mut process.sig, true),
        _ => None,
    });
    let bypass = item.items.iter().find_map(|item| method(item, "can_bypass_current_event"));
    if let Some(bypass) = bypass {
        check_bypass(&cx, bypass);
    }
    let me = &item.self_ty;
    let private = root.private();
    let event = match &model {
        Some(model) if cx.is_clean() => {
            let process = process
                .and_then(|index| item.items.get(index))
                .and_then(|item| method(item, "process"));
            expand(&root, me, process, bypass, model)
        }
        _ => fallback(&private, me),
    };
    let errors = cx.finish();
    let allow = super::allow_parameter_forms();
    let output = quote!(#allow #item #event #errors);
    crate::debug::print(&crate::text::text(me), "#[event] impl", &output);
    output
}

fn method<'i>(item: &'i ImplItem, name: &str) -> Option<&'i ImplItemFn> {
    match item {
        ImplItem::Fn(method) if method.sig.ident == name => Some(method),
        _ => None,
    }
}

/// Finds `process`, and checks the impl block.
fn check(cx: &Ctxt, item: &mut ItemImpl) -> Option<usize> {
    let mut is_valid = true;
    if let Some((path, ..)) = &item.trait_ {
        cx.error(path, "`#[event]` stands on the struct's own impl block, not on that of a trait");
        is_valid = false;
    }
    if !item.generics.params.is_empty() {
        cx.error(&item.generics, "an event cannot be generic; remove the parameters");
        is_valid = false;
    }
    let process = item.items.iter().position(|item| method(item, "process").is_some());
    if process.is_none() {
        let message =
            "missing `process`; write what the event does as `fn process(&self, ..) -> Outcome<T>`";
        cx.error(&item.self_ty, message);
    }
    process.filter(|_| is_valid)
}

fn check_bypass(cx: &Ctxt, bypass: &ImplItemFn) {
    let shape = "write `fn can_bypass_current_event(&self, ctx: &Context) -> Bypass<T>`, where `T` is what `process` yields";
    let signature = &bypass.sig;
    let inputs: Vec<&FnArg> = signature.inputs.iter().collect();
    if !matches!(inputs.as_slice(), [FnArg::Receiver(_)] | [FnArg::Receiver(_), FnArg::Typed(_)]) {
        cx.error(
            &signature.ident,
            format!("a bypass check takes the event and the context; {shape}"),
        );
    }
    if matches!(signature.output, ReturnType::Default) {
        cx.error(&signature.ident, format!("missing return type; {shape}"));
    }
    if let Some(token) = &signature.asyncness {
        cx.error(token, "a bypass check cannot be async; remove `async`");
    }
}

fn expand(
    root: &Root,
    me: &Type,
    process: Option<&ImplItemFn>,
    bypass: Option<&ImplItemFn>,
    model: &params::Model,
) -> TokenStream {
    let (private, runtime) = &expand::runtime(root);
    let callee = match (process, model.is_async) {
        (None, _) => TokenStream::new(),
        (Some(_), None) => quote!(self.process),
        (Some(_), Some(_)) => {
            let this = ident("__this");
            quote!(#this.process)
        }
    };
    let Parts { aliases, parameter_impls, types, spec, checks } = expand::parts(private, me, model);
    let parts = format_ident!("__PARTS", span = Span::mixed_site());
    let code = expand::struct_code(private, me, model, &parts);
    let is_async = model.is_async.map(|_| {
        quote!(
            const IS_ASYNC: bool = true;
        )
    });
    let methods = expand::methods(private, me, &callee, model);
    let inputs = format_ident!("__inputs");
    let (can_bypass, check) = self::bypass(private, me, bypass);
    // A missing derive is one error, at the struct's name, however often it is asked for.
    let (start, end) = end_spans(me);
    let of_struct = respan_type(quote!(<() as #private::Id>::Same<#me>), start, end);
    let of_struct = quote!(<#of_struct as #private::StructEvent>);
    let transfer_check = expand::transfer_check(private, me, model, &quote!(#of_struct::REMOTE));
    quote! {
        const _: () = {
            #runtime
            #aliases
            #parameter_impls
            #checks
            const #parts: #private::StructParts = #private::Struct::<#me>::PARTS;
            #[automatically_derived]
            impl #private::Process for #me {
                const CAN_BYPASS: bool = #can_bypass;
                #is_async
                #methods
                fn bypass(&self, #inputs: &#private::Inputs<'_>)
                    -> #private::Result<#private::Bypass<#private::Value>, #private::Exception>
                {
                    let _ = #inputs;
                    #check
                }
            }
            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #private::Event for #me {
                #types
                const SPEC: &'static #private::Spec = &#private::Spec {
                    name: #parts.name,
                    doc: #parts.doc,
                    #spec
                    options: #parts.options,
                    code: #code,
                    place: #parts.place,
                };
            }
            #private::submit!(#private, #me);
            #transfer_check
        };
    }
}

/// Whether there is a bypass check, and how it is asked.
fn bypass(private: &TokenStream, me: &Type, method: Option<&ImplItemFn>) -> (bool, TokenStream) {
    let inputs = format_ident!("__inputs");
    match method {
        None => (false, quote!(#private::Result::Ok(#private::Bypass::no()))),
        Some(method) => {
            let context = (method.sig.inputs.len() > 1).then(|| quote!(#inputs.context()));
            let (start, end) = answer_ends(method);
            // The error of a wrong answer is shown at the type of the check's answer.
            let answer = respan_type(quote!(<() as #private::Id>::Same<_>), start, end);
            let check = quote!(<#me>::can_bypass_current_event(self, #context));
            let yielded = quote!(<Self as #private::Event>::Output);
            (true, quote!(<#answer as #private::IntoBypass<#yielded>>::into_bypass(#check)))
        }
    }
}

/// The spans of the type of a bypass check's answer.
fn answer_ends(method: &ImplItemFn) -> (Span, Span) {
    match &method.sig.output {
        ReturnType::Type(_, ty) => end_spans(ty),
        ReturnType::Default => end_spans(&method.sig.ident),
    }
}

/// A fallback implementation of the event, so that only the macro's own errors show.
fn fallback(private: &TokenStream, me: &Type) -> TokenStream {
    let event = super::fallback(private, &quote!(#me));
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #private::Process for #me {
                const CAN_BYPASS: bool = false;
                fn call(&self, _: &#private::Inputs<'_>) -> #private::TaskOutcome { ::core::unreachable!() }
                fn bypass(&self, _: &#private::Inputs<'_>)
                    -> #private::Result<#private::Bypass<#private::Value>, #private::Exception>
                { ::core::unreachable!() }
            }
            #event
        };
    }
}
