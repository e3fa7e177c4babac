//! What is generated of an event's signature, the same for functions and for `process`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, Type};

use super::params::{From, Model, Param, Pass};
use crate::hash::hash;
use crate::span::{at, ends, from_to, ident, respan};
use crate::types::{args_of, shape};

/// The parts of an implementation that come from the signature.
pub(crate) struct Parts {
    /// One alias for each of the user's types: the only place where they are written again.
    pub(crate) aliases: TokenStream,
    /// `HasParameter` of each field parameter.
    pub(crate) takes: TokenStream,
    /// The associated types `Output` and `Piped`.
    pub(crate) types: TokenStream,
    pub(crate) spec: TokenStream,
    pub(crate) params: TokenStream,
    /// An expression of type `EventWire`.
    pub(crate) wire: TokenStream,
    /// The constants that ask the return type: `Typed::<..>` and `Json::<..>`.
    pub(crate) descriptors: TokenStream,
    pub(crate) goto: TokenStream,
    pub(crate) json: TokenStream,
    /// The method `call`, and of an async event `call_async`.
    pub(crate) call: TokenStream,
    /// What an async event needs from the crate.
    pub(crate) demand: TokenStream,
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
    let asked = quote!(<#returns, #private::#form>);
    Parts {
        aliases: aliases(model, &returns),
        takes: takes(private, me, model),
        types: types(private, model, &returns, &form),
        spec: spec(private, model, name, &asked),
        wire: wire(private, me, model, &asked),
        params: params(private, model),
        descriptors: quote!(#private::Typed::#asked::DESCRIPTORS),
        goto: quote!(#private::Typed::#asked::GOTO),
        json: quote!(#private::Json::#asked::JSON),
        call: call(private, me, callee, model, &asked),
        demand: demand(private, model),
    }
}

fn aliases(model: &Model, returns: &Ident) -> TokenStream {
    let ty = &model.returns;
    let mut out = quote!(type #returns = #ty;);
    for (index, param) in model.params.iter().enumerate() {
        if matches!(param.from, From::Field(_) | From::State) {
            let (alias, ty) = (alias(index), &param.ty);
            out.extend(quote!(type #alias = #ty;));
        }
    }
    out
}

/// The type of the field or state that a parameter binds to.
fn bound(private: &TokenStream, param: &Param, index: usize) -> TokenStream {
    let alias = alias(index);
    // A type that nothing owns is shown where it is written.
    let (start, end) = ends(&param.ty);
    let owned = from_to(quote!(<#alias as #private::Borrowed>::Owned), start, end);
    match param.from {
        From::Field(Pass::Ref) => owned,
        From::Field(Pass::OptionRef) => quote!(#private::Option<#owned>),
        _ => quote!(#alias),
    }
}

fn takes(private: &TokenStream, me: &Type, model: &Model) -> TokenStream {
    let fields =
        model.params.iter().enumerate().filter(|(_, param)| matches!(param.from, From::Field(_)));
    fields
        .map(|(index, param)| {
            let (ty, number) = (bound(private, param, index), hash(&param.name));
            quote! {
                #[automatically_derived]
                impl #private::HasParameter<#number, #ty> for #me {}
            }
        })
        .collect()
}

/// `type Output` stands at the return type, and `type Piped` at the parameter, since that is where
/// a wrong type is to be shown.
fn types(private: &TokenStream, model: &Model, returns: &Ident, form: &Ident) -> TokenStream {
    let (start, end) = ends(&model.returns);
    let projection = quote!(<#returns as #private::IntoOutcome<#private::#form>>::Output);
    // Only what is none of the usual types is likely to be wrong; then every token stands there.
    let usual = ["Result", "Outcome"].iter().any(|name| args_of(&model.returns, name).is_some());
    let (head, projection) = if usual {
        (from_to(quote!(type Output), start, Span::mixed_site()), projection)
    } else {
        (respan(quote!(type Output), at(end)), respan(projection, at(end)))
    };
    let output = from_to(quote!(<() as #private::Id>::Same<#projection>), start, end);
    let tail = respan(quote!(;), at(end));
    let piped = match model.params.iter().find(|param| param.from == From::Piped) {
        None => quote!(#private::Nothing),
        Some(param) => {
            let shape = shape(private, &param.ty);
            let (start, end) = ends(&param.ty);
            from_to(quote!(<() as #private::Id>::Same<#shape>), start, end)
        }
    };
    quote! { #head = #output #tail type Piped = #piped; }
}

fn spec(private: &TokenStream, model: &Model, name: &str, asked: &TokenStream) -> TokenStream {
    let written = |param: &Param| {
        let Param { name, text, owned, .. } = param;
        quote!(#private::SpecParam { name: #name, ty: #text, owned: #owned })
    };
    let fields =
        model.params.iter().filter(|param| matches!(param.from, From::Field(_))).map(written);
    let piped = match model.params.iter().find(|param| param.from == From::Piped) {
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
            goto: #private::Typed::#asked::DESCRIPTORS,
            is_async: #is_async,
            wire: &<Self as #private::Event>::WIRE,
            known: #private::Returns::#asked::IS,
        }
    }
}

fn params(private: &TokenStream, model: &Model) -> TokenStream {
    let params = model.params.iter().enumerate().map(|(index, param)| {
        let name = &param.name;
        let (kind, ty) = match param.from {
            From::Field(_) => ("Field", bound(private, param, index)),
            From::State => ("State", bound(private, param, index)),
            From::Piped => ("Piped", quote!(())),
            From::Context => ("Context", quote!(())),
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

/// How each part crosses to another process, if it can.
fn wire(private: &TokenStream, me: &Type, model: &Model, asked: &TokenStream) -> TokenStream {
    let parts = model.params.iter().enumerate().map(|(index, param)| {
        let (name, text, ty) = (&param.name, &param.text, bound(private, param, index));
        let by = match param.from {
            From::Field(_) | From::Piped if borrows(&param.ty) => {
                quote!(#private::Transfer::Borrows)
            }
            From::Field(_) => quote!(#private::Serialisable::<#ty>::VALUE),
            From::State => quote!(#private::Serialisable::<#ty>::STATE),
            From::Piped => {
                quote!(#private::SerialisablePiped::<<#me as #private::Event>::Piped>::PIPED)
            }
            From::Context => quote!(#private::Transfer::Context),
        };
        quote!(#private::WirePart { name: #name, ty: #text, by: #by })
    });
    let output = &model.output;
    let by = if output.contains("&'") {
        quote!(#private::Transfer::Borrows)
    } else {
        quote!(#private::SerialisableOutput::#asked::VALUE)
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

/// Whether a type is written with a reference that is not the parameter's own form.
fn borrows(ty: &Type) -> bool {
    crate::text::text(ty).contains("&'")
}

/// The demand that everything can cross, if `remote` says so: each part at its type.
pub(crate) fn crosses(
    private: &TokenStream,
    me: &Type,
    model: &Model,
    remote: &TokenStream,
) -> TokenStream {
    let (event, is) = (ident("__E"), ident("__is"));
    // A name of another hygiene than the brackets: the compiler does not join their places.
    let check = Ident::new("part_crosses", Span::call_site());
    let demand = |ty: &Type, part: TokenStream| {
        let (start, end) = ends(ty);
        let call = from_to(
            quote!(<#private::Check>::#check("", &#event, #is, &#event.wire.#part)),
            start,
            end,
        );
        quote!(#call;)
    };
    let parts = model.params.iter().enumerate().filter(|(_, param)| param.from != From::Context);
    let parts = parts.map(|(index, param)| demand(&param.ty, quote!(parts[#index])));
    let output = demand(&model.returns, quote!(output));
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
    asked: &TokenStream,
) -> TokenStream {
    let (this, inputs) = (ident("__this"), ident("__inputs"));
    let args = model.params.iter().enumerate().map(|(index, param)| {
        let alias = alias(index);
        match param.from {
            From::Field(Pass::Ref) => quote!(#inputs.borrowed::<#alias>(#index)?),
            From::Field(Pass::OptionRef) => quote!(#inputs.borrowed_option::<#alias>(#index)?),
            From::Field(Pass::Arc) => quote!(#inputs.field_arc::<#alias>(#index)?),
            From::Field(Pass::Clone) => {
                let (start, end) = ends(&param.ty);
                // A type that is not `Clone` is shown where it is written.
                let ty = from_to(quote!(<() as #private::Id>::Same<#alias>), start, end);
                quote!(#private::by_value::<#ty>(#inputs.field::<#alias>(#index)?))
            }
            From::State => quote!(#inputs.state::<#alias>(#index)?),
            From::Context => quote!(#inputs.context()),
            From::Piped => quote!(#inputs.piped::<<#me as #private::Event>::Piped>()?),
        }
    });
    let ending = quote!(#private::Result<#private::TaskOutcome, #private::Exception>);
    let returns = ident("__R");
    let convert = quote! {
        const {
            #private::conversion::<#returns>(
                #private::HasError::<#returns>::IS,
                #private::Dynamic::#asked::CONVERT,
                #private::Returns::#asked::CONVERT,
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
    // A future that cannot go from thread to thread is shown at the event's name.
    let future = from_to(quote!((__call)(self, #inputs)), name, name);
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

/// Async events need tokio; where it is not there, that is said at `async`.
fn demand(private: &TokenStream, model: &Model) -> TokenStream {
    let Some((token, _)) = model.is_async else { return TokenStream::new() };
    // A name of another hygiene than the brackets: the compiler does not join their places.
    let name = Ident::new("async_event", Span::call_site());
    let call = from_to(quote!(<#private::Check>::#name()), token, token);
    quote!(const _: () = #call;)
}

/// The alias of the executor that an attribute names, and the check that it fits the event `me`.
/// Both are empty where it names none.
pub(crate) fn executor(private: &TokenStream, me: &Ident, executor: Option<&Type>) -> TokenStream {
    let Some(ty) = executor else { return TokenStream::new() };
    let alias = executor_alias();
    let (start, end) = ends(ty);
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
    let check = from_to(check, start, end);
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

/// The only name of the executor's type in what is generated.
pub(crate) fn executor_alias() -> Ident {
    ident("__X")
}

/// What makes the answers of the runtime's questions known to a block.
pub(crate) fn questions(private: &TokenStream) -> TokenStream {
    quote! {
        #[allow(unused_imports)]
        use #private::{
            Fallback as _, FallbackDynamic as _, FallbackField as _, FallbackHolds as _,
            FallbackOf as _,
            FallbackReturns as _, FallbackStruct as _,
        };
    }
}
