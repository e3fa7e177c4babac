//! The settings of an event as calls of the runtime's builders.

use nexus_pointy::settings::Jitter;
use proc_macro2::TokenStream;
use quote::quote;

use super::args::{EventArgs, Group};
use super::expand::executor_constant;
use crate::args::ArgValue;
use crate::span::{end_spans, ident, respan_type};

/// An expression of type `EventSettings`; `None` where nothing is set.
pub(crate) fn settings(private: &TokenStream, args: &EventArgs) -> Option<TokenStream> {
    let mut out = TokenStream::new();
    if args.executor.is_some() {
        let constant = executor_constant();
        out.extend(quote!(.executor_kind(#constant.kind)));
    }
    match &args.config {
        Some(Group::Keys(keys)) => {
            let calls = keys.iter().map(|(key, value)| config_call(key, value));
            out.extend(
                quote!(.executor_config(#private::ExecutorInitializerConfig::new() #(#calls)*)),
            );
        }
        Some(Group::Expr(expr)) => out.extend(quote!(.executor_config(#expr))),
        None => {}
    }
    match &args.retry {
        Some(Group::Keys(keys)) => {
            let calls = keys.iter().map(|(key, value)| retry_call(private, key, value));
            out.extend(quote!(.retry_policy(#private::RetryPolicy::builder() #(#calls)* .build())));
        }
        Some(Group::Expr(expr)) => {
            // The error of what is no policy is shown at the expression.
            let (start, end) = end_spans(expr);
            let any = respan_type(quote!(<() as #private::Id>::Same<_>), start, end);
            out.extend(quote! {
                .retry_policy(<#any as #private::IntoRetryPolicy>::into_retry_policy(#expr))
            });
        }
        None => {}
    }
    for (key, value) in &args.plain {
        let (key, value) = (ident(key), literal_tokens(value));
        out.extend(quote!(.#key(#value)));
    }
    match &args.evaluation {
        Some(ArgValue::Evaluation(state)) => {
            let state = ident(state.name());
            out.extend(quote!(.execution_evaluation_state(#private::EventExecutionEvaluationState::#state)));
        }
        Some(other) => {
            let value = literal_tokens(other);
            out.extend(quote!(.execution_evaluation_state(#value)));
        }
        None => {}
    }
    if let Some(limit) = &args.timeout {
        let limit = duration(private, limit);
        out.extend(quote!(.timeout(#limit)));
    }
    let default = quote!(<#private::EventSettings as #private::Default>::default());
    (!out.is_empty()).then(|| quote!(#default #out))
}

/// Whether a durable run records the event's outcome: an expression of type `bool`, if it is given.
pub(crate) fn checkpoint(args: &EventArgs) -> Option<TokenStream> {
    let given = args.plain.iter().find(|(key, _)| *key == "checkpoint");
    given.map(|(_, value)| literal_tokens(value))
}

/// An expression of type `Duration`.
pub(crate) fn duration(private: &TokenStream, value: &ArgValue) -> TokenStream {
    match value {
        ArgValue::Duration(limit) => {
            let (seconds, nanos) = (limit.as_secs(), limit.subsec_nanos());
            quote!(#private::Duration::new(#seconds, #nanos))
        }
        other => {
            let (name, limit) = (ident("__limit"), literal_tokens(other));
            quote!({
                let #name: #private::Duration = #limit;
                #name
            })
        }
    }
}

/// A value that needs no conversion.
fn literal_tokens(value: &ArgValue) -> TokenStream {
    match value {
        ArgValue::Flag(flag) => quote!(#flag),
        ArgValue::Count(count) => {
            let count = proc_macro2::Literal::u64_unsuffixed(*count);
            quote!(#count)
        }
        ArgValue::Seconds(seconds) => quote!(#seconds),
        ArgValue::Text(text) => quote!(#text),
        ArgValue::Expr(expr) => quote!(#expr),
        ArgValue::Duration(_)
        | ArgValue::Types(_)
        | ArgValue::Jitter(_)
        | ArgValue::Evaluation(_) => TokenStream::new(),
    }
}

fn config_call(key: &str, value: &ArgValue) -> TokenStream {
    let (key, value) = (ident(key), literal_tokens(value));
    quote!(.#key(#value))
}

fn retry_call(private: &TokenStream, key: &str, value: &ArgValue) -> TokenStream {
    match value {
        ArgValue::Types(types) => {
            let types = types.iter().map(|ty| {
                let (start, end) = end_spans(ty);
                respan_type(quote!(<() as #private::Id>::Same<#ty>), start, end)
            });
            quote!(#(.retry_on_type(<#types as #private::RetriedError>::TYPE))*)
        }
        ArgValue::Duration(_) => {
            let limit = duration(private, value);
            quote!(.max_elapsed(#limit))
        }
        ArgValue::Jitter(jitter) => {
            let variant = ident(match jitter {
                Jitter::None => "None",
                Jitter::Full => "Full",
                Jitter::Equal => "Equal",
            });
            quote!(.jitter(#private::Jitter::#variant))
        }
        other => config_call(key, other),
    }
}
