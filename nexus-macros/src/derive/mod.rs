//! `#[derive(Event)]`: the settings and the own fields of a struct event. What it does is in the
//! impl block under `#[event]`.

pub(crate) mod fields;
pub(crate) mod of_struct;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, DeriveInput};

use crate::args::EVENT_FIELD;
use crate::ctxt::Ctxt;
use crate::event::args::EventArgs;
use crate::event::{executor, remote, runtime, settings};
use crate::span::{self, end_spans, ident, respan_type, without_location, without_raw_prefix};
use crate::text::text;
use fields::{FieldDefault, StructField};

/// Expands `#[derive(Event)]`.
pub(crate) fn derive(tokens: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(tokens) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    // The macro of that attribute comes next, and knows the settings.
    if input.attrs.iter().any(|attr| is(attr, "event")) {
        return TokenStream::new();
    }
    expand(Ctxt::default(), &EventArgs::default(), &input)
}

/// The struct event with the settings `args`; `cx` has their mistakes.
pub(crate) fn expand(cx: Ctxt, args: &EventArgs, input: &DeriveInput) -> TokenStream {
    let fields = fields::fields(&cx, input, "Event", &EVENT_FIELD);
    if let Some(bypass) = &args.bypass {
        cx.error(bypass, "a struct event has its bypass check in the impl block; write `fn can_bypass_current_event(&self, ctx: &Context) -> Bypass<T>` there");
    }
    let event = match fields {
        Some(fields) if cx.is_clean() => event(args, input, &fields),
        _ => fallback(args, input),
    };
    let errors = cx.finish();
    let output = quote!(#event #errors);
    crate::debug::print(&without_raw_prefix(&input.ident), "#[derive(Event)]", &output);
    output
}

fn event(args: &EventArgs, input: &DeriveInput, fields: &[StructField]) -> TokenStream {
    let (private, runtime) = &runtime(&args.root);
    let (name, doc) = (&input.ident, fields::doc(&input.attrs));
    let me = without_location(name);
    let event_name = args.name.clone().unwrap_or_else(|| without_raw_prefix(name));
    let default = quote!(<#private::EventSettings as #private::Default>::default());
    let settings = settings::settings(private, args).unwrap_or(default);
    let executor = executor(private, &me, args.executor.as_ref());
    let remote = remote(args.executor.as_ref());
    let checkpoint = settings::checkpoint(args).map(|it| quote!(const CHECKPOINT: bool = #it;));
    let kinds = fields.iter().map(|field| own_field(private, field));
    let values = fields.iter().map(|field| value(private, field));
    let names = fields.iter().map(|field| without_location(&field.name));
    let settable = fields.iter().filter_map(|field| settable(private, field));
    let given = ident("__values");
    // A missing `process` is one error, at the struct's name, however often it is asked for.
    let process = respan_type(quote!(<() as #private::Id>::Same<#me>), name.span(), name.span());
    quote! {
        const _: () = {
            #runtime
            #executor
            #[automatically_derived]
            impl #private::StructEvent for #me {
                const NAME: &'static str = #event_name;
                const OWN_FIELDS: &'static [#private::OwnField] = &[#(#kinds),*];
                const PLACE: &'static str = ::core::concat!(::core::file!(), ":", ::core::line!());
                const DOC: &'static str = #doc;
                const REMOTE: bool = #remote;
                #checkpoint
                fn settings() -> #private::EventSettings { #settings }
                fn make(#given: &#private::OwnValues<'_>) -> #private::Result<Self, #private::String> {
                    let _ = #given;
                    #private::Result::Ok(Self { #(#names: #values),* })
                }
            }
            const _: bool = <#process as #private::Process>::IS;
            #(#settable)*
        };
    }
}

/// The check that a field which the flow must set can be written in one.
fn settable(private: &TokenStream, field: &StructField) -> Option<TokenStream> {
    let (ty, text) = (&field.ty, text(&field.ty));
    let (start, end) = end_spans(ty);
    let kind = quote!(#private::FieldKind::<#ty>::KIND);
    let call = span::call(&quote!(#private::Check::settable), quote!(#text, #kind), start, end);
    field.default.is_none().then(|| quote!(const _: () = #call;))
}

fn own_field(private: &TokenStream, field: &StructField) -> TokenStream {
    let (name, ty) = (without_raw_prefix(&field.name), &field.ty);
    let required = field.default.is_none();
    quote! {
        #private::OwnField {
            name: #name,
            kind: #private::FieldKind::<#ty>::KIND,
            required: #required,
        }
    }
}

fn value(private: &TokenStream, field: &StructField) -> TokenStream {
    let (name, ty) = (without_raw_prefix(&field.name), &field.ty);
    let given = ident("__values");
    let Some(default) = &field.default else {
        return quote!(#private::needed((#private::FieldKind::<#ty>::READ)(#given, #name)?, #name)?);
    };
    let default = default_value(private, default, ty);
    quote! {
        match (#private::FieldKind::<#ty>::READ)(#given, #name)? {
            #private::Option::Some(given) => given,
            #private::Option::None => #default,
        }
    }
}

/// The expression of a default, for a field of type `ty`.
pub(crate) fn default_value(
    private: &TokenStream,
    default: &FieldDefault,
    ty: &impl ToTokens,
) -> TokenStream {
    match default {
        FieldDefault::OfType => quote!(<#ty as #private::Default>::default()),
        FieldDefault::Expr(expr) if fields::is_text(expr) => {
            quote!(<#ty as #private::From<_>>::from(#expr))
        }
        FieldDefault::Expr(expr) => quote!(#expr),
    }
}

/// A fallback implementation of the struct event, so that only the macro's own errors show.
fn fallback(args: &EventArgs, input: &DeriveInput) -> TokenStream {
    if !input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let private = &args.root.private();
    let me = without_location(&input.ident);
    let name = without_raw_prefix(&input.ident);
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #private::StructEvent for #me {
                const NAME: &'static str = #name;
                const OWN_FIELDS: &'static [#private::OwnField] = &[];
                const PLACE: &'static str = "";
                const REMOTE: bool = false;
                fn settings() -> #private::EventSettings { ::core::unreachable!() }
                fn make(_: &#private::OwnValues<'_>) -> #private::Result<Self, #private::String> {
                    ::core::unreachable!()
                }
            }
        };
    }
}

/// Whether the last part of the attribute's path is `name`.
fn is(attr: &Attribute, name: &str) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == name)
}
