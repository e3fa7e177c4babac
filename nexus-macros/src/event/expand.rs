//! The code generated from an event's signature, the same for functions and for `process`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, Type};

use super::params::{Model, Param, ParamSource, PassMode};
use crate::hash::hash;
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
    pub(crate) spec: TokenStream,
    pub(crate) params: TokenStream,
    /// An expression of type `EventWire`.
    pub(crate) wire: TokenStream,
    /// The constants of the probes of the return type: `Typed::<..>` and `Json::<..>`.
    pub(crate) descriptors: TokenStream,
    pub(crate) goto: TokenStream,
    pub(crate) json: TokenStream,
    /// The method `call`, and of an async event `call_async`.
    pub(crate) call: TokenStream,
    /// The check that the crate has what an async event needs.
    pub(crate) async_requirement: TokenStream,
}

fn alias(index: usize) -> Ident {
    format_ident!("__P{index}", span = Span::mixed_site())
}

/// `me` is the event's type; `callee` is what is called, and may mention `__this`.
pub(crate) fn parts(
    private: &TokenStream,
    me: &Type,
    callee: &TokenStream,
    model: &Model,
    name: &str,
) -> Parts {
    let form = ident(if model.nested { "Nested" } else { "Plain" });
    let returns = ident("__R");
    let probe_args = quote!(<#returns, #private::#form>);
    Parts {
        aliases: aliases(model, &returns),
        parameter_impls: parameter_impls(private, me, model),
        types: types(private, model, &returns, &form),
        spec: spec(private, model, name, &probe_args),
        wire: wire(private, me, model, &probe_args),
        params: params(private, model),
        descriptors: quote!(#private::Typed::#probe_args::DESCRIPTORS),
        goto: quote!(#private::Typed::#probe_args::GOTO),
        json: quote!(#private::Json::#probe_args::JSON),
        call: call(private, me, callee, model, &probe_args),
        async_requirement: async_requirement(private, model),
    }
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

fn spec(private: &TokenStream, model: &Model, name: &str, probe_args: &TokenStream) -> TokenStream {
    let written = |param: &Param| {
        let Param { name, text, owned, .. } = param;
        quote!(#private::SpecParam { name: #name, ty: #text, owned: #owned })
    };
    let fields = model
        .params
        .iter()
        .filter(|param| matches!(param.source, ParamSource::Field(_)))
        .map(written);
    let piped = match model.params.iter().find(|param| param.source == ParamSource::Piped) {
        None => quote!(#private::Option::None),
        Some(param) => {
            let param = written(param);
            quote!(#private::Option::Some(#param))
        }
    };
    let (output, is_async) = (&model.output, model.is_async.is_some());
    quote! {
        #private::Spec {
            name: #name,
            params: &[#(#fields),*],
            piped: #piped,
            output: #output,
            own: &[],
            goto: #private::Typed::#probe_args::DESCRIPTORS,
            is_async: #is_async,
            checkpoint: true,
            wire: &<Self as #private::Event>::WIRE,
            known: #private::Returns::#probe_args::IS,
        }
    }
}

fn params(private: &TokenStream, model: &Model) -> TokenStream {
    let params = model.params.iter().enumerate().map(|(index, param)| {
        let name = &param.name;
        let (kind, ty) = match param.source {
            ParamSource::Field(_) => ("Field", bound_type(private, param, index)),
            ParamSource::State => ("State", bound_type(private, param, index)),
            ParamSource::Piped => ("Piped", quote!(())),
            ParamSource::Context => ("Context", quote!(())),
        };
        let kind = ident(kind);
        quote! {
            #private::Param {
                name: #name,
                kind: #private::ParamKind::#kind,
                ty: #private::TypeInfo::of::<#ty>(),
            }
        }
    });
    quote!(&[#(#params),*])
}

/// How each part is transferred to another process, if it can be.
fn wire(private: &TokenStream, me: &Type, model: &Model, probe_args: &TokenStream) -> TokenStream {
    let parts = model.params.iter().enumerate().map(|(index, param)| {
        let (name, text, ty) = (&param.name, &param.text, bound_type(private, param, index));
        let by = match param.source {
            ParamSource::Field(_) | ParamSource::Piped if borrows(&param.ty) => {
                quote!(#private::Transfer::Borrows)
            }
            ParamSource::Field(_) => quote!(#private::Serialisable::<#ty>::VALUE),
            ParamSource::State => quote!(#private::Serialisable::<#ty>::STATE),
            ParamSource::Piped => {
                quote!(#private::SerialisablePiped::<<#me as #private::Event>::Piped>::PIPED)
            }
            ParamSource::Context => quote!(#private::Transfer::Context),
        };
        quote!(#private::WirePart { name: #name, ty: #text, by: #by })
    });
    let output = &model.output;
    let by = if output.contains("&'") {
        quote!(#private::Transfer::Borrows)
    } else {
        quote!(#private::SerialisableOutput::#probe_args::VALUE)
    };
    quote! {
        #private::EventWire {
            parts: &[#(#parts),*],
            output: #private::WirePart {
                name: "",
                ty: #output,
                by: #by,
            },
        }
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
            quote!(<#private::Check>::#check("", &#event, #is, &#event.wire.#part)),
            start,
            end,
        );
        quote!(#call;)
    };
    let parts =
        model.params.iter().enumerate().filter(|(_, param)| param.source != ParamSource::Context);
    let parts = parts.map(|(index, param)| check_part(&param.ty, quote!(parts[#index])));
    let output = check_part(&model.returns, quote!(output));
    quote! {
        const _: () = {
            const #event: #private::Spec = <#me as #private::Event>::SPEC;
            const #is: bool = #remote;
            #(#parts)*
            #output
        };
    }
}

fn call(
    private: &TokenStream,
    me: &Type,
    callee: &TokenStream,
    model: &Model,
    probe_args: &TokenStream,
) -> TokenStream {
    let (this, inputs) = (ident("__this"), ident("__inputs"));
    let args = model.params.iter().enumerate().map(|(index, param)| {
        let alias = alias(index);
        match param.source {
            ParamSource::Field(PassMode::Ref) => quote!(#inputs.borrowed::<#alias>(#index)?),
            ParamSource::Field(PassMode::OptionRef) => {
                quote!(#inputs.borrowed_option::<#alias>(#index)?)
            }
            ParamSource::Field(PassMode::Arc) => quote!(#inputs.field_arc::<#alias>(#index)?),
            ParamSource::Field(PassMode::Clone) => {
                let (start, end) = end_spans(&param.ty);
                // The error of a type that is not `Clone` is shown where the type is written.
                let ty = respan_ends(quote!(<() as #private::Id>::Same<#alias>), start, end);
                quote!(#private::by_value::<#ty>(#inputs.field::<#alias>(#index)?))
            }
            ParamSource::State => quote!(#inputs.state::<#alias>(#index)?),
            ParamSource::Context => quote!(#inputs.context()),
            ParamSource::Piped => quote!(#inputs.piped::<<#me as #private::Event>::Piped>()?),
        }
    });
    let ending = quote!(#private::Result<#private::TaskOutcome, #private::Exception>);
    let returns = ident("__R");
    let convert = quote! {
        const {
            #private::conversion::<#returns>(
                #private::HasError::<#returns>::IS,
                #private::Dynamic::#probe_args::CONVERT,
                #private::Returns::#probe_args::CONVERT,
            )
        }
    };
    let Some((_, name)) = model.is_async else {
        return quote! {
            fn call(&self, #inputs: &#private::Inputs<'_>) -> #private::TaskOutcome {
                fn __call(#this: &#me, #inputs: &#private::Inputs<'_>) -> #ending {
                    #private::Result::Ok((#convert)(#callee(#(#args),*)))
                }
                #private::ended(__call(self, #inputs))
            }
        };
    };
    // The error of a future that is not `Send` is shown at the event's name.
    let future = respan_ends(quote!((__call)(self, #inputs)), name, name);
    quote! {
        fn call(&self, #inputs: &#private::Inputs<'_>) -> #private::TaskOutcome {
            #private::only_async(#inputs)
        }
        fn call_async<'a>(&'a self, #inputs: #private::Inputs<'a>) -> #private::BodyFuture<'a> {
            async fn __call(#this: &#me, #inputs: #private::Inputs<'_>) -> #private::TaskOutcome {
                let outcome: #ending =
                    async { #private::Result::Ok((#convert)(#callee(#(#args),*).await)) }.await;
                #private::ended(outcome)
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
            &#private::Of::<#me>::SPEC,
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

/// Imports the fallback traits of the runtime's probes into a block.
pub(crate) fn probe_imports(private: &TokenStream) -> TokenStream {
    quote! {
        #[allow(unused_imports)]
        use #private::{
            Fallback as _, FallbackDynamic as _, FallbackField as _, FallbackHolds as _,
            FallbackOf as _,
            FallbackReturns as _, FallbackStruct as _,
        };
    }
}
