//! The code generated from an event's signature, the same for functions and for `process`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, Type};

use super::params::{Form, Model, Param, ParamSource, PassMode};
use crate::hash::hash;
use crate::root::Root;
use crate::span::{self, end_spans, ident, located_at, respan, respan_ends, respan_type};
use crate::types::{borrows, is_known_piped, is_well_known, shape, without_parens};

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
    /// What the signature needs, checked where it is written.
    pub(crate) checks: TokenStream,
}

fn alias(index: usize) -> Ident {
    format_ident!("__P{index}", span = Span::mixed_site())
}

/// The alias of what the event returns.
fn returned() -> Ident {
    ident("__R")
}

/// The alias of what the event yields.
fn yielded() -> Ident {
    ident("__T")
}

/// The alias of how the event takes what is piped, where everybody knows its type.
fn known_piped() -> Ident {
    ident("__S")
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
    let mut checks = async_requirement(private, model);
    checks.extend(checked_return(private, model));
    checks.extend(model.params.iter().enumerate().map(|(index, it)| checked(private, it, index)));
    Parts {
        aliases: aliases(private, model),
        parameter_impls: parameter_impls(private, me, model),
        types: types(private, model),
        spec: spec(private, me, model),
        checks,
    }
}

fn form(model: &Model) -> Ident {
    ident(if model.form == Form::Nested { "Nested" } else { "Plain" })
}

fn aliases(private: &TokenStream, model: &Model) -> TokenStream {
    let (returned, yielded, ty) = (returned(), yielded(), &model.returns);
    let yields = if let Some(ty) = &model.yields {
        quote!(#ty)
    } else {
        // The error of a type that no event can return is shown where it is written.
        let (start, end) = end_spans(ty);
        let answer = quote!(<#returned as #private::IntoOutcome<#private::Plain>>::Output);
        let answer = respan(answer, located_at(end));
        respan_ends(quote!(<() as #private::Id>::Same<#answer>), start, end)
    };
    let mut out = quote!(type #returned = #ty; type #yielded = #yields;);
    for (index, param) in model.params.iter().enumerate() {
        if matches!(param.source, ParamSource::Field(_)) {
            let (alias, ty) = (alias(index), &param.ty);
            out.extend(quote!(type #alias = #ty;));
        }
    }
    if let Some(param) = piped(model).filter(|param| is_known_piped(&param.ty)) {
        let (alias, shape) = (known_piped(), shape(private, &param.ty));
        out.extend(quote!(type #alias = #shape;));
    }
    out
}

/// The type of the field that a parameter binds to.
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
            quote!(impl #private::HasParameter<#private::Name<#number>, #ty> for #me {})
        })
        .collect()
}

/// `type Output` has the span of the return type, and `type Piped` that of the parameter, so that a
/// wrong type is shown there.
fn types(private: &TokenStream, model: &Model) -> TokenStream {
    let (start, end) = end_spans(&model.returns);
    let yielded = yielded();
    let output = respan_ends(quote!(<() as #private::Id>::Same<#yielded>), start, end);
    let head = respan_ends(quote!(type Output), start, Span::mixed_site());
    let tail = respan(quote!(;), located_at(end));
    let piped = match piped(model) {
        None => quote!(#private::Nothing),
        Some(param) => {
            let shape = if is_known_piped(&param.ty) {
                let alias = known_piped();
                quote!(#alias)
            } else {
                shape(private, &param.ty)
            };
            let (start, end) = end_spans(&param.ty);
            respan_ends(quote!(<() as #private::Id>::Same<#shape>), start, end)
        }
    };
    quote! { #head = #output #tail type Piped = #piped; }
}

/// How the event takes what is piped. The compiler finds that out again at each place that asks the
/// implementation, but of a type that may be wrong nobody else says so.
fn taken_along(private: &TokenStream, me: &Type, piped: Option<&Param>) -> TokenStream {
    match piped {
        None => quote!(#private::Nothing),
        Some(param) if is_known_piped(&param.ty) => {
            let alias = known_piped();
            quote!(#alias)
        }
        Some(_) => quote!(<#me as #private::Event>::Piped),
    }
}

fn piped(model: &Model) -> Option<&Param> {
    model.params.iter().find(|param| param.source == ParamSource::Piped)
}

/// The fields of `Spec` that the signature says.
fn spec(private: &TokenStream, me: &Type, model: &Model) -> TokenStream {
    let params = model.params.iter().enumerate().map(|(index, it)| param(private, me, it, index));
    let (yielded, text) = (yielded(), &model.output);
    let known = model.yields.as_ref().is_some_and(is_well_known);
    let by = match known {
        _ if text.contains("&'") => quote!(#private::Transfer::Borrows),
        true => quote!(<#yielded as #private::PlainTransfer>::TRANSFER),
        false => quote!(#private::Serialisable::<#yielded>::VALUE),
    };
    let yields = if known {
        quote!(#private::Yields::plain::<#yielded>())
    } else {
        quote! {
            #private::Yields {
                json: #private::Json::<#yielded>::JSON,
                goto: #private::Typed::<#yielded>::GOTO,
            }
        }
    };
    quote! {
        params: &[#(#params),*],
        output: #private::WirePart::output(#text, #by),
        yields: #yields,
        handle: #private::TypeInfo::of::<#me>(),
        known: true,
    }
}

/// What is said of a parameter, and how it is transferred to another process, if it can be.
fn param(private: &TokenStream, me: &Type, param: &Param, index: usize) -> TokenStream {
    let Param { name, text, owned, source, ty, .. } = param;
    let bound = bound_type(private, param, index);
    let known = is_well_known(ty);
    let by = match source {
        _ if borrows(ty) => quote!(#private::Transfer::Borrows),
        ParamSource::Piped => {
            let along = taken_along(private, me, Some(param));
            if is_known_piped(ty) {
                quote!(<#along as #private::PlainPiped>::TRANSFER)
            } else {
                quote!(#private::SerialisablePiped::<#along>::PIPED)
            }
        }
        ParamSource::Field(_) if known => quote!(<#bound as #private::PlainTransfer>::TRANSFER),
        ParamSource::Field(_) => quote!(#private::Serialisable::<#bound>::VALUE),
    };
    let alias = alias(index);
    let spec = quote!(#private::ParamSpec);
    match source {
        ParamSource::Piped => quote!(#spec::piped(#name, #text, #owned, #by)),
        ParamSource::Field(PassMode::Ref) if may_be_context(ty) => {
            let is_context = quote!(#private::ContextOf::<#alias>::IS);
            quote!(#spec::lent(#name, #text, #owned, #is_context, #by))
        }
        ParamSource::Field(PassMode::Clone) if !known => {
            let state = quote!(#private::StateOf::<#alias>);
            quote!(#spec::taken(#name, #text, #state::IS, #state::FACTORY, #by))
        }
        ParamSource::Field(_) => quote!(#spec::field(#name, #text, #owned, #by)),
    }
}

/// Whether a reference to this type may be one to the context: any path may be an alias of it.
fn may_be_context(ty: &Type) -> bool {
    matches!(without_parens(ty), Type::Path(_)) && !is_well_known(ty)
}

/// The check that a parameter can be taken by value, where that is not plain.
fn checked(private: &TokenStream, param: &Param, index: usize) -> TokenStream {
    if param.source != ParamSource::Field(PassMode::Clone) || is_well_known(&param.ty) {
        return TokenStream::new();
    }
    let (alias, text) = (alias(index), &param.text);
    let (start, end) = end_spans(&param.ty);
    let args = quote! {
        #text,
        #private::StateOf::<#alias>::IS || #private::Cloned::<#alias>::IS,
        #private::ContextOf::<#alias>::IS,
    };
    let call = span::call(&quote!(#private::Check::by_value), args, start, end);
    quote!(const _: () = #call;)
}

/// The check that an event can return its type, where the tokens do not say it.
fn checked_return(private: &TokenStream, model: &Model) -> TokenStream {
    if !matches!(model.form, Form::Result | Form::Nested) {
        return TokenStream::new();
    }
    let (returned, form) = (returned(), form(model));
    let (start, end) = end_spans(&model.returns);
    let text = crate::text::text(&model.returns);
    let yielded = yielded();
    let is = quote!(#private::Returns::<#returned, #private::#form, #yielded>::IS);
    let call = span::call(&quote!(#private::Check::returns), quote!(#text, #is), start, end);
    quote!(const _: () = #call;)
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
    let check = quote!(#private::Check::part_is_sendable);
    let check_part = |ty: &Type, part: TokenStream| {
        let (start, end) = end_spans(ty);
        let call = span::call(&check, quote!("", #event, #is, &#event.#part), start, end);
        quote!(#call;)
    };
    let parts = model.params.iter().enumerate();
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

/// The type that turns what is returned into an outcome.
fn conversion(private: &TokenStream, model: &Model) -> TokenStream {
    let (returned, yielded, form) = (returned(), yielded(), form(model));
    if !matches!(model.form, Form::Result | Form::Nested) {
        return quote!(#private::By<#private::#form>);
    }
    quote! {
        #private::By<#private::#form, {
            #private::returned(
                #private::Returns::<#returned, #private::#form, #yielded>::IS,
                #private::HasError::<#returned>::IS,
                #private::IsDynamic::<#returned>::IS,
            )
        }>
    }
}

/// The type by which the runtime reads a parameter.
fn parameter(private: &TokenStream, me: &Type, param: &Param, index: usize) -> TokenStream {
    let alias = alias(index);
    match param.source {
        ParamSource::Field(PassMode::Ref) => quote!(#private::Lent<#alias>),
        ParamSource::Field(PassMode::OptionRef) => quote!(#private::LentOption<#alias>),
        ParamSource::Field(PassMode::Arc) => quote!(#private::Shared<#alias>),
        ParamSource::Field(PassMode::Clone) if is_well_known(&param.ty) => {
            quote!(#private::Owned<#alias>)
        }
        ParamSource::Field(PassMode::Clone) => quote! {
            #private::Owned<#alias, {
                #private::taken(#private::StateOf::<#alias>::IS, #private::Cloned::<#alias>::IS)
            }>
        },
        ParamSource::Piped => {
            let along = taken_along(private, me, Some(param));
            quote!(#private::Along<#along>)
        }
    }
}

/// What the code of an event comes to: an expression of type `TaskOutcome`, of an async event one
/// that awaits. `callee` is what is called.
fn ending(private: &TokenStream, me: &Type, callee: &TokenStream, model: &Model) -> TokenStream {
    let inputs = ident("__inputs");
    // As `?` would do it, but without a closure that it could return from.
    let (given, missing) = (ident("__given"), ident("__missing"));
    let args = model.params.iter().enumerate().map(|(index, param)| {
        let parameter = parameter(private, me, param, index);
        quote! {
            match <#parameter as #private::Parameter>::read(&#inputs, #index) {
                #private::Result::Ok(#given) => #given,
                #private::Result::Err(#missing) => return #private::From::from(#missing),
            }
        }
    });
    let (conversion, returned, yielded) = (conversion(private, model), returned(), yielded());
    let awaited = model.is_async.map(|_| quote!(.await));
    quote! {
        <#conversion as #private::Convert<#returned, #yielded>>::convert(
            #callee(#(#args),*) #awaited
        )
    }
}

/// The most parameters of a function that the runtime calls by a pointer.
const MOST_PARAMETERS: usize = 8;

/// The functions of an event function, if it needs any, and the `Code` that it is.
pub(crate) fn function_code(
    private: &TokenStream,
    me: &Type,
    callee: &TokenStream,
    model: &Model,
) -> (TokenStream, TokenStream) {
    let (inputs, call) = (ident("__inputs"), ident("__call"));
    let (returned, yielded) = (returned(), yielded());
    let parameters = model.params.iter().enumerate();
    let parameters: Vec<TokenStream> =
        parameters.map(|(index, param)| parameter(private, me, param, index)).collect();
    let count = parameters.len();
    if model.is_async.is_none() && count <= MOST_PARAMETERS {
        let conversion = conversion(private, model);
        let piped = taken_along(private, me, piped(model));
        let code = quote! {
            #private::Signature::<
                (#(#parameters,)*), #returned, #yielded, #conversion, #piped,
            >::of(#callee)
        };
        return (TokenStream::new(), quote!(#private::Code::Function(&#code)));
    }
    let types = quote!(&[#(<#parameters as #private::Parameter>::TYPE),*]);
    let piped = taken_along(private, me, piped(model));
    let calling = quote!(#private::Calling::<#yielded, #piped>);
    let ending = ending(private, me, callee, model);
    let Some((_, name)) = model.is_async else {
        let function = quote! {
            fn #call(#inputs: &#private::Inputs<'_>) -> #private::TaskOutcome { #ending }
        };
        return (function, quote!(#private::Code::Function(&#calling::plain(#call, #types))));
    };
    let (body, future) = future(private, None, &ending, name);
    let functions = quote! {
        #body
        fn #call<'a>(#inputs: #private::Inputs<'a>) -> #private::BodyFuture<'a> { #future }
    };
    (functions, quote!(#private::Code::Function(&#calling::waiting(#call, #types))))
}

/// The function `body` that makes an async body's future, and the future that the runtime polls. The error
/// of one that is not `Send` is shown at the event's name. It is asked outside the function that has the
/// `async` block, where the compiler would ask for `Send` itself, and say what it says of it.
fn future(
    private: &TokenStream,
    this: Option<(&Ident, &Type)>,
    ending: &TokenStream,
    name: Span,
) -> (TokenStream, TokenStream) {
    let (body, inputs) = (ident("__body"), ident("__inputs"));
    let any = respan_type(quote!(<() as #private::Id>::Same<_>), name, name);
    let this = this.map(|(this, me)| quote!(#this: &'a #me,));
    let function = quote! {
        fn #body<'a>(#this #inputs: #private::Inputs<'a>)
            -> impl #private::Future<Output = #private::TaskOutcome> + 'a
        {
            async move { #ending }
        }
    };
    let this = this.map(|_| quote!(self,));
    (function, quote!(<#any as #private::SendFuture<'a>>::boxed(#body(#this #inputs))))
}

/// The `Code` of a struct event, made of its `parts`.
pub(crate) fn struct_code(
    private: &TokenStream,
    me: &Type,
    model: &Model,
    parts: &Ident,
) -> TokenStream {
    let yielded = yielded();
    let types = model.params.iter().enumerate().map(|(index, param)| {
        let parameter = parameter(private, me, param, index);
        quote!(<#parameter as #private::Parameter>::TYPE)
    });
    quote! {
        #private::Code::Fields(
            #parts.build,
            #private::Types::of::<#yielded, <#me as #private::Event>::Piped>(&[#(#types),*]),
        )
    }
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
    let (body, future) = future(private, Some((&ident("__this"), me)), &ending, name);
    quote! {
        fn call(&self, #inputs: &#private::Inputs<'_>) -> #private::TaskOutcome {
            #private::only_async(#inputs)
        }
        fn call_async<'a>(&'a self, #inputs: #private::Inputs<'a>) -> #private::BodyFuture<'a> {
            #body
            #future
        }
    }
}

/// Async events need tokio. Without it the error is shown at `async`.
fn async_requirement(private: &TokenStream, model: &Model) -> TokenStream {
    let Some((token, _)) = model.is_async else { return TokenStream::new() };
    let check = quote!(#private::Check::async_event);
    let call = span::call(&check, TokenStream::new(), token, token);
    quote!(const _: () = #call;)
}

/// The constant of the executor that an attribute names, and the check that it fits the event `me`.
/// Both are empty where it names none.
pub(crate) fn executor(private: &TokenStream, me: &Ident, executor: Option<&Type>) -> TokenStream {
    let Some(ty) = executor else { return TokenStream::new() };
    let constant = executor_constant();
    let (start, end) = end_spans(ty);
    let text = crate::text::text(ty);
    let args = quote!("", #private::Of::<#me>::SPEC, #text, #constant);
    let check = span::call(&quote!(#private::Check::executor), args, start, end);
    let named = named_executor(private, &constant, &text, &quote!(#ty));
    quote! {
        #named
        const _: () = #check;
    }
}

/// The constant that says what is known of an executor's type, written as `text` and `ty`. A path is
/// asked in an expression: of an unknown name the compiler then says in fewer lines which one is near.
/// (It takes an unknown lower-case name in that place for a crate.)
pub(crate) fn named_executor(
    private: &TokenStream,
    constant: &Ident,
    text: &str,
    ty: &TokenStream,
) -> TokenStream {
    let is_path = text.chars().all(|char| char.is_alphanumeric() || "_:".contains(char))
        && (text.contains("::") || text.starts_with(char::is_uppercase));
    let place = match is_path {
        true if text.ends_with("::") => quote!(#ty),
        true => quote!(#ty::),
        false => quote!(<#ty>::),
    };
    quote! {
        const #constant: #private::NamedExecutor =
            #private::NamedExecutor::of(&|| #place asked_of().answer());
    }
}

/// Whether the executor runs bodies in other processes.
pub(crate) fn remote(executor: Option<&Type>) -> TokenStream {
    if executor.is_none() {
        return quote!(false);
    }
    let constant = executor_constant();
    quote!(#constant.runs_remote())
}

/// The constant by which generated code knows the executor's type.
pub(crate) fn executor_constant() -> Ident {
    ident("__X")
}
