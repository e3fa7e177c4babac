//! The checks of one step, as calls of the runtime's constant functions.

use std::collections::HashSet;

use nexus_pointy::settings::{FLOW_KEYS, unknown_key};
use nexus_pointy::wiring::{End, SourceId};
use nexus_pointy::{Attr, Descriptor, LiteralKind, Name, Span as Range};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};

use super::source::Source;
use super::steps::{Model, Step, StepInput};
use crate::hash::hash;
use crate::span::{self, ident, respan_type};

/// What the checks of a flow share.
pub(crate) struct Checks<'a> {
    pub(crate) private: &'a TokenStream,
    pub(crate) source: &'a Source,
    pub(crate) model: &'a Model<'a>,
    pub(crate) pipeline: &'a str,
    /// The pipeline's fields: name, type as written, and the type's alias.
    pub(crate) fields: &'a [(String, String, Ident)],
    /// Events and pipes that are checked already: a second use would give the same error again.
    pub(crate) seen: HashSet<&'a str>,
    pub(crate) piped: HashSet<(&'a str, SourceId, bool)>,
    /// Whether a store is to keep what the steps yield.
    pub(crate) durable: bool,
    /// Events of which that is checked already, with what the flow says of `checkpoint`.
    pub(crate) recorded: HashSet<(&'a str, Option<bool>)>,
}

/// The alias of step `index`.
pub(crate) fn alias(index: usize) -> Ident {
    format_ident!("__S{}", index + 1, span = Span::mixed_site())
}

/// The constant of executor `index` of those that the flow names.
pub(crate) fn executor_constant(index: usize) -> Ident {
    format_ident!("__X{}", index + 1, span = Span::mixed_site())
}

/// The alias of the name of field `index`.
fn field_name(index: usize) -> Ident {
    format_ident!("__N{}", index + 1, span = Span::mixed_site())
}

/// The name of the constant with the pipeline's fields.
fn fields_constant() -> Ident {
    ident("__FIELDS")
}

impl<'a> Checks<'a> {
    /// The checks of step `index`. If the flow has mistakes of its own, `pipes` is false, since the
    /// inputs of its steps are then a guess.
    pub(crate) fn step(&mut self, index: usize, pipes: bool) -> TokenStream {
        let Some(step) = self.model.steps.get(index) else { return TokenStream::new() };
        let private = self.private;
        let (alias, event) = (alias(index), ident("__event"));
        // The one question that is an error if the answer is no, at the step's name.
        let (start, end) = self.source.spans(step.name.span);
        let demanded = respan_type(quote!(<() as #private::Id>::Same<#alias>), start, end);
        let mut calls = TokenStream::new();
        let first = self.seen.insert(&step.name.text);
        let simple = first && pipes && step.own.is_empty() && step.branches.is_empty();
        if simple {
            calls.extend(self.fields("simple_step", step, &alias));
        } else {
            calls.extend(first.then(|| self.fields("fields", step, &alias)));
            calls.extend(self.own_fields(step));
        }
        calls.extend(self.executor(step));
        calls.extend(self.transfer_check(step));
        calls.extend(self.recordable(step, &alias));
        if pipes {
            calls.extend((!simple).then(|| self.covers(step)));
            calls.extend(self.input(step, &alias));
        }
        let name = format_ident!("step_{}", index + 1, span = Span::mixed_site());
        quote! {
            #[allow(non_upper_case_globals)]
            const #name: () = {
                let #event: &#private::Spec = <#demanded as #private::Event>::SPEC;
                #calls
            };
        }
    }

    /// A call of the check `name`, whose error is shown at `range`.
    fn call(&self, name: &str, range: Range, args: &TokenStream) -> TokenStream {
        let private = self.private;
        let (start, end) = self.source.spans(range);
        let (name, at, event) = (ident(name), self.source.prefix(range), ident("__event"));
        let callee = quote!(#private::Check::#name);
        let call = span::call(&callee, quote!(#at, #event, #args), start, end);
        quote!(#call;)
    }

    /// The constant with the pipeline's fields, and aliases of their names.
    pub(crate) fn pipeline_fields(&self) -> TokenStream {
        let (private, pipeline, constant) = (self.private, self.pipeline, fields_constant());
        let (names, types) =
            (self.fields.iter().map(|it| &it.0), self.fields.iter().map(|it| &it.1));
        let aliases = self.fields.iter().enumerate().map(|(index, (name, ..))| {
            let (alias, number) = (field_name(index), hash(name));
            quote!(type #alias = #private::Name<#number>;)
        });
        quote! {
            #(#aliases)*
            const #constant: &#private::PipelineFields = &#private::PipelineFields {
                pipeline: #pipeline,
                names: &[#(#names),*],
                types: &[#(#types),*],
            };
        }
    }

    /// Checks that the event's parameters are fields of the pipeline, and of the right type.
    fn fields(&self, check: &str, step: &Step<'_>, alias: &Ident) -> TokenStream {
        let (private, constant) = (self.private, fields_constant());
        let binds = self.fields.iter().enumerate().map(|(index, (_, _, field))| {
            let name = field_name(index);
            quote!(#private::Binds::<#field, #alias, #name>::IS)
        });
        self.call(check, step.name.span, &quote!(#constant, &[#(#binds),*]))
    }

    /// Checks that there is a branch for each descriptor of a typed goto.
    fn covers(&self, step: &Step<'_>) -> TokenStream {
        let private = self.private;
        let branches = step.branches.iter().map(|branch| match branch {
            Descriptor::Number(number) => {
                let number = Literal::u32_unsuffixed(*number);
                quote!(#private::DescriptorName::Number(#number))
            }
            Descriptor::Name(name) => quote!(#private::DescriptorName::Name(#name)),
        });
        self.call("covers", step.name.span, &quote!(&[#(#branches),*]))
    }

    /// Checks that the executor that the flow names can run the event.
    fn executor(&self, step: &Step<'_>) -> Option<TokenStream> {
        let name = step.set.executor.as_ref()?;
        let (text, constant) = (&*name.text, self.named_executor(name)?);
        Some(self.call("executor", name.span, &quote!(#text, #constant)))
    }

    /// Checks that the flow sets only own fields of the event, and all that are required.
    fn own_fields(&self, step: &Step<'_>) -> TokenStream {
        let private = self.private;
        let mut out = TokenStream::new();
        for Attr { key, value, .. } in &step.own {
            let given = ident(match value.as_ref().map(|value| &value.kind) {
                None | Some(LiteralKind::Bool(_)) => "Flag",
                Some(LiteralKind::Int(_)) => "Int",
                Some(LiteralKind::Float(_)) => "Float",
                Some(LiteralKind::Str(_)) => "Text",
                Some(LiteralKind::List(_)) => "List",
                Some(LiteralKind::Name(_)) => "Name",
                Some(LiteralKind::Map(_)) => "Map",
            });
            let name = &*key.text;
            let help = unknown_key(name, Range::default(), FLOW_KEYS).help.unwrap_or_default();
            out.extend(self.call(
                "own_field",
                key.span,
                &quote!(#name, #private::SettingValueKind::#given, #help),
            ));
        }
        let keys = step.own.iter().map(|attr| &*attr.key.text);
        out.extend(self.call("own_fields", step.name.span, &quote!(&[#(#keys),*])));
        out
    }

    /// Checks that an event can be transferred, if the flow runs it in another process.
    fn transfer_check(&self, step: &Step<'_>) -> Option<TokenStream> {
        let name = step.set.executor.as_ref()?;
        let constant = self.named_executor(name)?;
        Some(self.call("is_sendable", name.span, &quote!(#constant.runs_remote())))
    }

    fn named_executor(&self, name: &Name) -> Option<Ident> {
        let index = self.model.executors.iter().position(|known| known.text == name.text);
        index.map(executor_constant)
    }

    /// Checks that a store can keep what the event yields, if the pipeline is durable.
    fn recordable(&mut self, step: &Step<'a>, alias: &Ident) -> Option<TokenStream> {
        let in_flow = step.set.checkpoint;
        let is_recorded = self.durable && in_flow != Some(false);
        if !is_recorded || !self.recorded.insert((&step.name.text, in_flow)) {
            return None;
        }
        let private = self.private;
        let in_flow = in_flow.map_or_else(
            || quote!(#private::Option::None),
            |checkpoint| quote!(#private::Option::Some(#checkpoint)),
        );
        let is_stream = quote!(#private::YieldsStream::<#alias>::IS);
        Some(self.call("recordable", step.name.span, &quote!(#in_flow, #is_stream)))
    }

    /// Checks that the event can take the value of the arrow.
    fn input(&mut self, step: &Step<'a>, alias: &Ident) -> TokenStream {
        let (each, private) = (step.each, self.private);
        match step.input {
            StepInput::Start => self.call("no_pipe", step.name.span, &quote!(#each, true)),
            StepInput::Then(arrow) => self.call("no_pipe", arrow, &quote!(#each, false)),
            StepInput::Piped(arrow, from) => {
                if !self.piped.insert((&step.name.text, from, each)) {
                    return TokenStream::new();
                }
                let mut pipe = Pipe::default();
                let place = quote!(#private::Whole<#alias>);
                self.alternatives(from, &place, "", each, 0, &mut pipe);
                let Pipe { groups, leaves, single } = pipe;
                if let (Some(single), [], [_]) = (single, &*groups, &*leaves) {
                    return self.call("pipe_one", arrow, &quote!(#each, #single));
                }
                self.call("pipe", arrow, &quote!(#each, &[#(#groups),*], &[#(#leaves),*]))
            }
        }
    }

    /// Collects the alternatives of `source` for one position in the step's input. Only brackets
    /// nest groups, so the recursion is bounded.
    fn alternatives(
        &self,
        source: SourceId,
        place: &TokenStream,
        text: &str,
        each: bool,
        depth: usize,
        pipe: &mut Pipe,
    ) {
        let private = self.private;
        for end in self.model.wiring.alternatives(source) {
            let probe = ident(match (each, depth) {
                (false, _) => "AcceptsProbe",
                (true, 0) => "AcceptsItemsProbe",
                (true, _) => "AcceptsMemberProbe",
            });
            match end {
                End::AnyOf(_) => {}
                End::Output(id) => {
                    let from = alias(*id);
                    let is_list = self.model.steps.get(*id).is_some_and(|step| step.each);
                    let (kind, what) = if is_list { ("each", "Each") } else { ("one", "One") };
                    let (kind, what) = (ident(kind), ident(what));
                    let fits = quote! {
                        #private::Of::<#from>::SPEC,
                        #private::#probe::<#place, #private::#what<#from>>::IS
                    };
                    pipe.leaves.push(quote!(#private::Leaf::#kind(#fits, #text)));
                    pipe.single = (!is_list && text.is_empty()).then_some(fits);
                }
                End::Failure => pipe.leaves.push(quote! {
                    #private::Leaf::failed(#private::#probe::<#place, #private::Failed>::IS, #text)
                }),
                End::Group(members) => {
                    let count = members.len();
                    if each && depth > 0 {
                        pipe.leaves.push(quote!(#private::Leaf::group(#text)));
                        continue;
                    }
                    pipe.groups.push(quote! {
                        #private::Members { has: #count, takes: #private::GroupArity::<#place>::ARITY, place: #text }
                    });
                    for (index, member) in members.iter().enumerate() {
                        let text = member_position(text, index + 1, count);
                        // Each member on its own is an item; otherwise it is a part.
                        let part = if each {
                            place.clone()
                        } else {
                            quote!(#private::Nth<#place, #index>)
                        };
                        self.alternatives(*member, &part, &text, each, depth + 1, pipe);
                    }
                }
            }
        }
    }
}

/// The checks of everything that one `|->` may carry.
#[derive(Default)]
struct Pipe {
    groups: Vec<TokenStream>,
    leaves: Vec<TokenStream>,
    /// What the last leaf is made of, where it is the value of one step.
    single: Option<TokenStream>,
}

fn member_position(outer: &str, index: usize, count: usize) -> String {
    let inner = format!("value {index} of {count}");
    if outer.is_empty() { inner } else { format!("{inner} in {outer}") }
}
