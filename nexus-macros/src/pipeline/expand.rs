//! The code generated from a pipeline.

use std::collections::HashSet;

use nexus_pointy::Flow;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::DeriveInput;

use super::batch;
use super::check::{Checks, alias, executor_constant};
use super::input::{default_maker, default_name, defaults, input};
use super::parse::PipelineArgs;
use super::schedule;
use super::source::Source;
use super::steps::{Model, model};
use crate::ctxt::{Ctxt, text_of};
use crate::derive::fields::{StructField, doc};
use crate::event::{named_executor, runtime, settings::duration};
use crate::span::{self, end_spans, ident, respan_type, without_location, without_raw_prefix};
use crate::text::text;
use crate::types::{arc_target, borrows};

/// The pipeline. If it has mistakes, the user's names are still emitted for editors, but nothing
/// that would make the compiler report more errors than the macro.
pub(crate) fn pipeline(
    cx: Ctxt,
    input: &DeriveInput,
    args: &PipelineArgs,
    source: &Source,
    fields: &[StructField],
    flow: &Flow,
) -> TokenStream {
    let (private, runtime) = &runtime(&args.root);
    let me = without_location(&input.ident);
    let parsed = cx.is_clean();
    let model = model(flow);
    for wrong in &model.mistakes {
        let (start, end) = source.spans(wrong.span);
        let message = text_of(wrong);
        cx.error_between(start, end, format!("{}{message}", source.prefix(wrong.span)));
    }
    let name = args.name.clone().unwrap_or_else(|| without_raw_prefix(&me));
    let types = field_types(fields);
    let steps = steps(private, source, &model);
    let pipeline = without_raw_prefix(&me);
    let is_durable = args.durable.is_some();
    let checks = checks(private, source, &model, &pipeline, &types, is_durable, parsed);
    let durable = args.durable.as_ref().map(|key| durable(private, key, &pipeline, fields, &types));
    let body = if cx.is_clean() {
        let doc = doc(&input.attrs);
        implementation(private, &me, &name, &doc, args, source, fields, &types, &model, flow)
    } else {
        fallback(private, &me, fields)
    };
    let aliases = fields.iter().zip(&types).map(|(field, (.., alias))| {
        let ty = arc_target(&field.ty).unwrap_or(&field.ty);
        quote!(type #alias = #ty;)
    });
    let dependency = source.dependency();
    let (defaults, new) = (defaults(private, fields), new(input, fields));
    let errors = cx.finish();
    quote! {
        #[allow(dead_code)]
        const _: () = {
            #runtime
            #steps
            #dependency
            #(#aliases)*
            #checks
            #durable
            #defaults
            #body
            #new
        };
        #errors
    }
}

/// Each field's name, type as written, and the type's alias.
fn field_types(fields: &[StructField]) -> Vec<(String, String, Ident)> {
    let types = fields.iter().enumerate().map(|(index, field)| {
        let alias = format_ident!("__F{}", index + 1, span = Span::mixed_site());
        (without_raw_prefix(&field.name), text(&field.ty), alias)
    });
    types.collect()
}

/// The user's names: one alias for each step, and one constant for each executor.
fn steps(private: &TokenStream, source: &Source, model: &Model<'_>) -> TokenStream {
    let mut out = TokenStream::new();
    let mut holes = model.holes.iter().enumerate().peekable();
    for (index, step) in model.steps.iter().enumerate() {
        while let Some((hole, _)) = holes.next_if(|(_, before)| **before == index) {
            out.extend(self::hole(hole, index));
        }
        let (alias, path) = (alias(index), source.path(step.name));
        if step.name.text.ends_with("::") {
            // The path is half typed; the hole lets an editor complete the missing name.
            let hole = ident("__Hole");
            out.extend(quote!(type #alias = #path #hole;));
            continue;
        }
        out.extend(quote!(type #alias = #path;));
    }
    out.extend(holes.map(|(hole, before)| self::hole(hole, *before)));
    if !model.holes.is_empty() {
        let hole = ident("__Hole");
        out.extend(quote!(use #private::Hole as #hole;));
    }
    for (index, executor) in model.executors.iter().enumerate() {
        let (constant, path) = (executor_constant(index), source.path(executor));
        out.extend(named_executor(private, &constant, &executor.text, &path));
    }
    out
}

/// What stands in the place of a missing event. An editor compares this expansion with one that has a
/// name in that place, so everything up to the name is as long as in [`steps`].
fn hole(number: usize, steps_before: usize) -> TokenStream {
    let width = (steps_before + 1).to_string().len();
    let (alias, hole) = (ident(&format!("__H{:0width$}", number + 1)), ident("__Hole"));
    quote!(type #alias = #hole;)
}

fn checks<'a>(
    private: &'a TokenStream,
    source: &'a Source,
    model: &'a Model<'a>,
    pipeline: &'a str,
    fields: &'a [(String, String, Ident)],
    durable: bool,
    parsed: bool,
) -> TokenStream {
    let (seen, piped, recorded) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut checks =
        Checks { private, source, model, pipeline, fields, seen, piped, durable, recorded };
    let mut out = checks.pipeline_fields();
    out.extend((0..model.steps.len()).map(|index| checks.step(index, parsed)));
    out
}

#[expect(clippy::too_many_arguments, reason = "what the user wrote, in parts")]
fn implementation(
    private: &TokenStream,
    me: &Ident,
    name: &str,
    doc: &str,
    args: &PipelineArgs,
    source: &Source,
    fields: &[StructField],
    types: &[(String, String, Ident)],
    model: &Model<'_>,
    flow: &Flow,
) -> TokenStream {
    let listed_fields = fields.iter().zip(types).enumerate().map(|(index, (field, ty))| {
        let (name, _, alias) = ty;
        let transfer = transfer(private, field, alias);
        if field.default.is_none() {
            return quote!(.with_field::<#alias>(#name, #transfer));
        }
        let make = default_maker(private, index, alias, arc_target(&field.ty).is_some());
        quote!(.with_made::<#alias>(#name, #transfer, #make))
    });
    let values = fields.iter().zip(types).map(|(field, (.., alias))| value(private, field, alias));
    let shareable = shareable(private, fields, types);
    let script = flow.to_string();
    let mut seen = HashSet::new();
    let events =
        model.steps.iter().enumerate().filter(|(_, step)| seen.insert(&step.name.text)).map(
            |(index, step)| {
                let (name, alias) = (&*step.name.text, alias(index));
                quote!((#name, #private::Of::<#alias>::SPEC))
            },
        );
    let executors = model.executors.iter().enumerate().map(|(index, name)| {
        let (text, constant) = (&*name.text, executor_constant(index));
        quote!((#text, #constant.kind))
    });
    let errors = model.errors.iter().enumerate().map(|(index, name)| {
        let (text, alias) = (&*name.text, error_alias(index));
        let (start, end) = source.spans(name.span);
        let ty = respan_type(quote!(<() as #private::Id>::Same<#alias>), start, end);
        quote!((#text, <#ty as #private::RetriedError>::TYPE))
    });
    let linked = (0..model.errors.len()).map(|index| {
        let (alias, listed) = (error_alias(index), format_ident!("__LISTED{}", index + 1));
        quote! {
            const #listed: #private::Option<#private::ErrorType> = #private::Listed::<#alias>::LISTED;
            #private::submit_error!(#private, #listed);
        }
    });
    let timeout = args.timeout.as_ref().map(|limit| {
        let limit = duration(private, limit);
        quote! {
            fn timeout() -> #private::Option<#private::Duration> {
                #private::Option::Some(#limit)
            }
        }
    });
    let schedule = schedule::declared(private, args, fields);
    let durable = args.durable.is_some();
    let resumable = durable.then(|| quote!(#private::submit_pipeline!(#private, #me);));
    let batched = batch::batched(private, me, fields, types);
    let item = batch::item(private, fields, types);
    let listed = error_aliases(source, model);
    let input = input(private, doc, fields, types, |field| arc_target(&field.ty).is_some());
    quote! {
        #listed
        #(#linked)*
        #resumable
        #shareable
        #batched
        #[automatically_derived]
        impl #private::Pipeline for #me {
            type BatchItem = #item;
            const NAME: &'static str = #name;
            const DURABLE: bool = #durable;
            #input
            #schedule
            #timeout
            fn fields() -> #private::Fields {
                #private::Fields::new() #(#listed_fields)*
            }
            fn into_values(self) -> #private::Vec<#private::Value> {
                ::std::vec![#(#values),*]
            }
            fn checked() -> &'static #private::CheckedFlow {
                static FLOW: #private::CheckedFlow = #private::CheckedFlow::new(
                    #name,
                    #script,
                    &[#(#events),*],
                    &[#(#executors),*],
                    &[#(#errors),*],
                );
                &FLOW
            }
        }
    }
}

/// The error types that the flow lists: one alias each.
fn error_aliases(source: &Source, model: &Model<'_>) -> TokenStream {
    let aliases = model.errors.iter().enumerate().map(|(index, name)| {
        let (alias, path) = (error_alias(index), source.path(name));
        quote!(type #alias = #path;)
    });
    aliases.collect()
}

fn error_alias(index: usize) -> Ident {
    format_ident!("__L{}", index + 1, span = Span::mixed_site())
}

/// How a field is read as a value.
fn value(private: &TokenStream, field: &StructField, alias: &Ident) -> TokenStream {
    let name = without_location(&field.name);
    let make = if arc_target(&field.ty).is_some() { quote!(SHARED) } else { quote!(NEW) };
    quote!((#private::Holds::<#alias>::#make)(self.#name))
}

/// The checks that this program has stores, and that one can keep the fields. The errors are shown at
/// `durable`, and at the fields' types.
fn durable(
    private: &TokenStream,
    key: &Ident,
    pipeline: &str,
    fields: &[StructField],
    types: &[(String, String, Ident)],
) -> TokenStream {
    let feature = quote!(#private::Check::durable_pipeline);
    let feature = span::call(&feature, TokenStream::new(), key.span(), key.span());
    let check = quote!(#private::Check::recordable_field);
    let checks = fields.iter().zip(types).map(|(field, (text, ty, alias))| {
        let transfer = transfer(private, field, alias);
        let is_stream = quote!(#private::IsStream::<#alias>::IS);
        let (start, end) = end_spans(&field.ty);
        span::call(&check, quote!(#pipeline, #text, #ty, &#transfer, #is_stream), start, end)
    });
    quote! {
        const _: () = #feature;
        #(const _: () = #checks;)*
    }
}

/// How a field's value is written down and read again.
fn transfer(private: &TokenStream, field: &StructField, alias: &Ident) -> TokenStream {
    if borrows(&field.ty) {
        quote!(#private::Transfer::Borrows)
    } else {
        quote!(#private::Serialisable::<#alias>::VALUE)
    }
}

/// The check that each field can be shared among threads; its error is shown at the field's type.
fn shareable(
    private: &TokenStream,
    fields: &[StructField],
    types: &[(String, String, Ident)],
) -> TokenStream {
    let demands = fields.iter().zip(types).map(|(field, (.., alias))| {
        let (start, end) = end_spans(&field.ty);
        let ty = respan_type(quote!(<() as #private::Id>::Same<#alias>), start, end);
        quote!(const _: () = <#ty as #private::FieldValue>::IS;)
    });
    demands.collect()
}

/// `new`, with the fields that have no default, where there are any that have one.
fn new(input: &DeriveInput, fields: &[StructField]) -> TokenStream {
    if fields.iter().all(|field| field.default.is_none()) {
        return TokenStream::new();
    }
    let (me, vis) = (without_location(&input.ident), &input.vis);
    let params = fields.iter().filter(|field| field.default.is_none()).map(|field| {
        let (name, ty) = (without_location(&field.name), &field.ty);
        quote!(#name: #ty)
    });
    let values = fields.iter().enumerate().map(|(index, field)| {
        let (name, default) = (without_location(&field.name), default_name(index));
        if field.default.is_some() { quote!(#name: #default()) } else { quote!(#name) }
    });
    let defaults: Vec<String> = fields
        .iter()
        .filter(|field| field.default.is_some())
        .map(|field| format!("`{}`", without_raw_prefix(&field.name)))
        .collect();
    let doc = format!("Makes the pipeline's input with the default of {}.", defaults.join(", "));
    quote! {
        #[automatically_derived]
        impl #me {
            #[doc = #doc]
            #[allow(clippy::too_many_arguments, clippy::new_without_default)]
            #[must_use]
            #vis fn new(#(#params),*) -> Self {
                Self { #(#values),* }
            }
        }
    }
}

/// A fallback implementation of the pipeline, so that only the macro's own errors show.
pub(crate) fn fallback(private: &TokenStream, me: &Ident, fields: &[StructField]) -> TokenStream {
    let me = without_location(me);
    let (item, batched) = batch::fallback(private, &me, fields);
    quote! {
        #[automatically_derived]
        impl #private::Pipeline for #me {
            type BatchItem = #item;
            const NAME: &'static str = "";
            fn fields() -> #private::Fields { ::core::unreachable!() }
            fn into_values(self) -> #private::Vec<#private::Value> { ::core::unreachable!() }
            fn checked() -> &'static #private::CheckedFlow { ::core::unreachable!() }
        }
        #batched
    }
}
