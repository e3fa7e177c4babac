//! The code generated from an event's signature, the same for functions and for `process`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, Type};

use super::params::{Model, Param, ParamSource, PassMode};
use crate::hash::hash;
use crate::root::Root;
use crate::span::{end_spans, ident, located_at, respan, respan_ends};
use crate::types::{borrows, generic_args, shape};

/// The parts of an implementation that come from the signature.
pub(crate) struct Parts {
    /// One alias for each of the user's types: the only place where they are written again.
    pub(crate) aliases: TokenStream,
    /// `HasParameter` of each field parameter.
    pub(crate) parameter_impls: TokenStream,
    /// The associated types `Output` and `Piped`.
    pub(crate) types: TokenStream,
    /// The fields of the event's `Spec`.
    pub(crate) spec: TokenStream,
    /// The check that the crate has what an async event needs.
    pub(crate) async_requirement: TokenStream,
}

fn alias(index: usize) -> Ident {
    format_ident!("__P{index}", span = Span::mixed_site())
}

/// The name by which generated code calls the runtime, and its import. It is for the inside of a
/// block, and so takes no name from the user.
pub(crate) fn runtime(root: &Root) -> (TokenStream, TokenStream) {
    let (name, private) = (ident("__n"), root.private());
    let import = quote! {
        use #private as #name;
        #[allow(unused_imports)]
        use #name::fallbacks::*;
    };
    (quote!(#name), import)
}

/// `me` is the event's type.
pub(crate) fn parts(private: &TokenStream, me: &Type, model: &Model) -> Parts {
    let returns = ident("__R");
    Parts {
        aliases: aliases(model, &returns),
        parameter_impls: parameter_impls(private, me, model),
        types: types(private, model, &returns, &form(model)),
        spec: spec(private, me, model),
        async_requirement: async_requirement(private, model),
    }
}

fn form(model: &Model) -> Ident {
    ident(if model.nested { "Nested" } else { "Plain" })
}

/// The arguments of the probes of the return type: `Typed::<..>`.
fn probe_args(private: &TokenStream, model: &Model) -> TokenStream {
    let (returns, form) = (ident("__R"), form(model));
    quote!(<#returns, #private::#form>)
}

fn aliases(model: &Model, returns: &Ident) -> TokenStream {
    let ty = &model.returns;
    let mut out = quote!(type #returns = #ty;);
    for (index, param) in model.params.iter().enumerate() {
        if matches!(param.source, ParamSource::Field(_) | ParamSource::State) {
            let (alias, ty) = (alias(index), &param.ty);
            out.extend(quote!(type #alias = #ty;));
        }
    }
    out
}

/// The type of the field or state that a parameter binds to.
fn bound_type(private: &TokenStream, param: &Param, index: usize) -> TokenStream {
    let alias = alias(index);
    // The error of a type that nothing owns is shown where the type is written.
    let (start, end) = end_spans(&param.ty);
    let owned = respan_ends(quote!(<#alias as #private::Borrowed>::Owned), start, end);
    match param.source {
        ParamSource::Field(PassMode::Ref) => owned,
        ParamSource::Field(PassMode::OptionRef) => quote!(#private::Option<#owned>),
        _ => quote!(#alias),
    }
}

fn parameter_impls(private: &TokenStream, me: &Type, model: &Model) -> TokenStream {
    let fields = model
        .params
        .iter()
        .enumerate()
        .filter(|(_, param)| matches!(param.source, ParamSource::Field(_)));
    fields
        .map(|(index, param)| {
            let (ty, number) = (bound_type(private, param, index), hash(&param.name));
            quote! {
                #[automatically_derived]
                impl #private::HasParameter<#number, #ty> for #me {}
            }
        })
        .collect()
}

/// `type Output` has the span of the return type, and `type Piped` that of the parameter, so that a
/// wrong type is shown there.
fn types(private: &TokenStream, model: &Model, returns: &Ident, form: &Ident) -> TokenStream {
    let (start, end) = end_spans(&model.returns);
    let projection = quote!(<#returns as #private::IntoOutcome<#private::#form>>::Output);
    // A type that is none of the usual ones is likely to be wrong; then every token has its span.
    let usual =
        ["Result", "Outcome"].iter().any(|name| generic_args(&model.returns, name).is_some());
    let (head, projection) = if usual {
        (respan_ends(quote!(type Output), start, Span::mixed_site()), projection)
    } else {
        (respan(quote!(type Output), located_at(end)), respan(projection, located_at(end)))
    };
    let output = respan_ends(quote!(<() as #private::Id>::Same<#projection>), start, end);
    let tail = respan(quote!(;), located_at(end));
    let piped = match model.params.iter().find(|param| param.source == ParamSource::Piped) {
        None => quote!(#private::Nothing),
        Some(param) => {
            let shape = shape(private, &param.ty);
            let (start, end) = end_spans(&param.ty);
            respan_ends(quote!(<() as #private::Id>::Same<#shape>), start, end)
        }
    };
    quote! { #head = #output #tail type Piped = #piped; }
}

fn spec(private: &TokenStream, me: &Type, model: &Model) -> TokenStream {
    let params = model.params.iter().enumerate().map(|(index, it)| param(private, me, it, index));
    let (probe_args, output) = (probe_args(private, model), &model.output);
    let by = if output.contains("&'") {
        quote!(#private::Transfer::Borrows)
    } else {
        quote!(#private::SerialisableOutput::#probe_args::VALUE)
    };
    let is_async = model.is_async.map(|_| quote!(is_async: true,));
    quote! {
        params: &[#(#params),*],
        output: #private::WirePart::output(#output, #by),
        json: #private::Json::#probe_args::JSON,
        goto: #private::Typed::#probe_args::DESCRIPTORS,
        typed_goto: #private::Typed::#probe_args::GOTO,
        known: #private::Returns::#probe_args::IS,
        #is_async
    }
}

/// What is said of a parameter, and how it is transferred to another process, if it can be.
fn param(private: &TokenStream, me: &Type, param: &Param, index: usize) -> TokenStream {
    let Param { name, text, owned, source, .. } = param;
    let bound = bound_type(private, param, index);
    let borrows = borrows(&param.ty).then(|| quote!(#private::Transfer::Borrows));
    match source {
        ParamSource::Field(_) => {
            let by = borrows.unwrap_or_else(|| quote!(#private::Serialisable::<#bound>::VALUE));
            quote!(#private::Param::field::<#bound>(#name, #text, #owned, #by))
        }
        ParamSource::State => {
            let by = quote!(#private::Serialisable::<#bound>::STATE);
            quote!(#private::Param::state::<#bound>(#name, #text, #by))
        }
        ParamSource::Piped => {
            let by = borrows.unwrap_or_else(|| {
                let piped = quote!(<#me as #private::Event>::Piped);
                quote!(#private::SerialisablePiped::<#piped>::PIPED)
            });
            quote!(#private::Param::piped(#name, #text, #owned, #by))
        }
        ParamSource::Context => quote!(#private::Param::context(#name, #text)),
    }
}

/// The check that everything can be transferred, if `remote` is true. Each part's error is shown at
/// its type.
pub(crate) fn transfer_check(
    private: &TokenStream,
    me: &Type,
    model: &Model,
    remote: &TokenStream,
) -> TokenStream {
    let (event, is) = (ident("__E"), ident("__is"));
    // The name has another hygiene than the brackets, so that the compiler does not join their
    // spans.
    let check = Ident::new("part_is_sendable", Span::call_site());
    let check_part = |ty: &Type, part: TokenStream| {
        let (start, end) = end_spans(ty);
        let call = respan_ends(
            quote!(<#private::Check>::#check("", #event, #is, &#event.#part)),
            start,
            end,
        );
        quote!(#call;)
    };
    let parts =
        model.params.iter().enumerate().filter(|(_, param)| param.source != ParamSource::Context);
    let parts = parts.map(|(index, param)| check_part(&param.ty, quote!(params[#index].part)));
    let output = check_part(&model.returns, quote!(output));
    quote! {
        const _: () = {
            const #event: &#private::Spec = <#me as #private::Event>::SPEC;
            const #is: bool = #remote;
            #(#parts)*
            #output
        };
    }
}

/// What the code of an event comes to: an expression of type `TaskOutcome`, of an async event one
/// that awaits. `callee` is what is called.
fn ending(private: &TokenStream, me: &Type, callee: &TokenStream, model: &Model) -> TokenStream {
    let (inputs, returns) = (ident("__inputs"), ident("__R"));
    // As `?` would do it, but without a closure that it could return from.
    let (given, missing) = (ident("__given"), ident("__missing"));
    let or_end = |read: TokenStream| {
        quote! {
            match #read {
                #private::Result::Ok(#given) => #given,
                #private::Result::Err(#missing) => return #private::From::from(#missing),
            }
        }
    };
    let args = model.params.iter().enumerate().map(|(index, param)| {
        let alias = alias(index);
        match param.source {
            ParamSource::Field(PassMode::Ref) => or_end(quote!(#inputs.borrowed::<#alias>(#index))),
            ParamSource::Field(PassMode::OptionRef) => {
                or_end(quote!(#inputs.borrowed_option::<#alias>(#index)))
            }
            ParamSource::Field(PassMode::Arc) => {
                or_end(quote!(#inputs.field_arc::<#alias>(#index)))
            }
            ParamSource::Field(PassMode::Clone) => {
                let (start, end) = end_spans(&param.ty);
                // The error of a type that is not `Clone` is shown where the type is written.
                let ty = respan_ends(quote!(<() as #private::Id>::Same<#alias>), start, end);
                let field = or_end(quote!(#inputs.field::<#alias>(#index)));
                quote!(#private::by_value::<#ty>(#field))
            }
            ParamSource::State => or_end(quote!(#inputs.state::<#alias>(#index))),
            ParamSource::Context => quote!(#inputs.context()),
            ParamSource::Piped => {
                or_end(quote!(#inputs.piped::<<#me as #private::Event>::Piped>()))
            }
        }
    });
    let probe_args = probe_args(private, model);
    let awaited = model.is_async.map(|_| quote!(.await));
    quote! {
        #private::conversion::<#returns>(
            #private::HasError::<#returns>::IS,
            #private::Dynamic::#probe_args::CONVERT,
            #private::Returns::#probe_args::CONVERT,
        )(#callee(#(#args),*) #awaited)
    }
}

/// The functions of an event function, and the `Code` that names them.
pub(crate) fn function_code(
    private: &TokenStream,
    me: &Type,
    callee: &TokenStream,
    model: &Model,
) -> (TokenStream, TokenStream) {
    let (inputs, call) = (ident("__inputs"), ident("__call"));
    let ending = ending(private, me, callee, model);
    let Some((_, name)) = model.is_async else {
        let function = quote! {
            fn #call(#inputs: &#private::Inputs<'_>) -> #private::TaskOutcome { #ending }
        };
        return (function, quote!(#private::Code::function(#call)));
    };
    let body = ident("__body");
    // The error of a future that is not `Send` is shown at the event's name.
    let future = respan_ends(quote!((#body)(#inputs)), name, name);
    let functions = quote! {
        async fn #body(#inputs: #private::Inputs<'_>) -> #private::TaskOutcome { #ending }
        fn #call<'a>(#inputs: #private::Inputs<'a>) -> #private::BodyFuture<'a> {
            #private::boxed(#future)
        }
    };
    (functions, quote!(#private::Code::async_function(#call)))
}

/// The methods of a struct event.
pub(crate) fn methods(
    private: &TokenStream,
    me: &Type,
    callee: &TokenStream,
    model: &Model,
) -> TokenStream {
    let inputs = ident("__inputs");
    let ending = ending(private, me, callee, model);
    let Some((_, name)) = model.is_async else {
        return quote! {
            fn call(&self, #inputs: &#private::Inputs<'_>) -> #private::TaskOutcome { #ending }
        };
    };
    let future = respan_ends(quote!((__body)(self, #inputs)), name, name);
    let this = ident("__this");
    quote! {
        fn call(&self, #inputs: &#private::Inputs<'_>) -> #private::TaskOutcome {
            #private::only_async(#inputs)
        }
        fn call_async<'a>(&'a self, #inputs: #private::Inputs<'a>) -> #private::BodyFuture<'a> {
            async fn __body(#this: &#me, #inputs: #private::Inputs<'_>) -> #private::TaskOutcome {
                #ending
            }
            #private::boxed(#future)
        }
    }
}

/// Async events need tokio. Without it the error is shown at `async`.
fn async_requirement(private: &TokenStream, model: &Model) -> TokenStream {
    let Some((token, _)) = model.is_async else { return TokenStream::new() };
    // The name has another hygiene than the brackets, so that the compiler does not join their
    // spans.
    let name = Ident::new("async_event", Span::call_site());
    let call = respan_ends(quote!(<#private::Check>::#name()), token, token);
    quote!(const _: () = #call;)
}

/// The alias of the executor that an attribute names, and the check that it fits the event `me`.
/// Both are empty where it names none.
pub(crate) fn executor(private: &TokenStream, me: &Ident, executor: Option<&Type>) -> TokenStream {
    let Some(ty) = executor else { return TokenStream::new() };
    let alias = executor_alias();
    let (start, end) = end_spans(ty);
    let text = crate::text::text(ty);
    let name = Ident::new("executor", Span::call_site());
    let check = quote! {
        <#private::Check>::#name(
            "",
            #private::Of::<#me>::SPEC,
            #text,
            #private::IsExecutor::<#alias>::IS,
            #private::RunsAsync::<#alias>::IS,
        )
    };
    let check = respan_ends(check, start, end);
    quote! {
        type #alias = #ty;
        const _: () = #check;
    }
}

/// Whether the executor runs bodies in other processes.
pub(crate) fn remote(private: &TokenStream, executor: Option<&Type>) -> TokenStream {
    if executor.is_none() {
        return quote!(false);
    }
    let alias = executor_alias();
    quote!(#private::RunsRemote::<#alias>::IS)
}

/// The alias by which generated code names the executor's type.
pub(crate) fn executor_alias() -> Ident {
    ident("__X")
}
