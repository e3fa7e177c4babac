//! The settings of an event as calls of the runtime's builders.

use nexus_pointy::settings::Jitter;
use proc_macro2::TokenStream;
use quote::quote;

use super::args::{EventArgs, Given, Group};
use crate::span::{ends, from_to, ident};

/// The alias of the executor's type, whose only mention it is, and whether that executor runs
/// bodies in other processes.
pub(crate) fn executor(private: &TokenStream, args: &EventArgs) -> (TokenStream, TokenStream) {
    let Some(ty) = &args.executor else { return (TokenStream::new(), quote!(false)) };
    let alias = ident("__Executor");
    (quote!(type #alias = #ty;), quote!(#private::Elsewhere::<#alias>::IS))
}

/// An expression of type `EventSettings`, beside the alias that [`executor`] gives.
pub(crate) fn settings(private: &TokenStream, args: &EventArgs) -> TokenStream {
    let mut out = quote!(<#private::EventSettings as #private::Default>::default());
    if let Some(ty) = &args.executor {
        let ((start, end), alias) = (ends(ty), ident("__Executor"));
        let ty = from_to(quote!(<() as #private::Id>::Same<#alias>), start, end);
        out.extend(quote!(.executor::<#ty>()));
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
        Some(Group::Expr(expr)) => out.extend(quote!(.retry_policy(#expr))),
        None => {}
    }
    for (key, value) in &args.stops {
        let (key, value) = (ident(key), plain(value));
        out.extend(quote!(.#key(#value)));
    }
    match &args.evaluation {
        Some(Given::Evaluation(state)) => {
            let state = ident(state.name());
            out.extend(quote!(.execution_evaluation_state(#private::EventExecutionEvaluationState::#state)));
        }
        Some(other) => {
            let value = plain(other);
            out.extend(quote!(.execution_evaluation_state(#value)));
        }
        None => {}
    }
    out
}

/// A value that needs no conversion.
fn plain(value: &Given) -> TokenStream {
    match value {
        Given::Flag(flag) => quote!(#flag),
        Given::Count(count) => {
            let count = proc_macro2::Literal::u64_unsuffixed(*count);
            quote!(#count)
        }
        Given::Seconds(seconds) => quote!(#seconds),
        Given::Text(text) => quote!(#text),
        Given::Expr(expr) => quote!(#expr),
        Given::Duration(_) | Given::Types(_) | Given::Jitter(_) | Given::Evaluation(_) => {
            TokenStream::new()
        }
    }
}

fn config_call(key: &str, value: &Given) -> TokenStream {
    let (key, value) = (ident(key), plain(value));
    quote!(.#key(#value))
}

fn retry_call(private: &TokenStream, key: &str, value: &Given) -> TokenStream {
    match value {
        Given::Types(types) => quote!(#(.retry_on::<#types>())*),
        Given::Duration(limit) => {
            let (seconds, nanos) = (limit.as_secs(), limit.subsec_nanos());
            quote!(.max_elapsed(#private::Duration::new(#seconds, #nanos)))
        }
        Given::Jitter(jitter) => {
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
