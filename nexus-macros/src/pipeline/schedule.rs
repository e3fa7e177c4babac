//! `#[pipeline(schedule = "30 2 * * *", zone = "Europe/Oslo")]`: checked here, fired at run time.

use nexus_schedule::Declared;
use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use super::input::default_name;
use super::parse::PipelineArgs;
use crate::ctxt::Ctxt;
use crate::derive::fields::StructField;
use crate::span::{without_location, without_raw_prefix};

/// Checks what can be checked without a clock and a database of time zones.
pub(crate) fn check(cx: &Ctxt, args: &PipelineArgs, fields: &[StructField]) {
    if let Some(zone) = &args.zone {
        let name = zone.value();
        if args.schedule.is_none() {
            cx.error(zone, "`zone` says what a `schedule` means, and there is none");
        } else if name.is_empty()
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_+-/".contains(c))
        {
            let shown = name.escape_debug();
            let message = format!("`{shown}` is no time zone; write a name such as `Europe/Oslo`");
            cx.error(zone, message);
        }
    }
    let Some(text) = &args.schedule else { return };
    if let Err(error) = text.value().parse::<Declared>() {
        cx.error(text, error);
    }
    for field in fields.iter().filter(|field| field.default.is_none()) {
        let name = without_raw_prefix(&field.name);
        cx.error(
            &field.name,
            format!(
                "a schedule runs the pipeline without input, and `{name}` has no default; write `#[field(default = ..)]`, or add the schedule at run time, with `Scheduled::pipeline`"
            ),
        );
    }
}

/// The schedule, for whoever fires it.
pub(crate) fn declared(
    private: &TokenStream,
    args: &PipelineArgs,
    fields: &[StructField],
) -> Option<TokenStream> {
    let text = args.schedule.as_ref()?.value();
    let zone = args.zone.as_ref().map(LitStr::value);
    let zone = zone.map_or_else(
        || quote!(#private::Option::None),
        |name| quote!(#private::Option::Some(#name)),
    );
    let values = fields.iter().enumerate().map(|(index, field)| {
        let (name, default) = (without_location(&field.name), default_name(index));
        quote!(#name: #default())
    });
    Some(quote! {
        const SCHEDULE: #private::Option<#private::DeclaredSchedule<Self>> =
            #private::Option::Some(#private::DeclaredSchedule {
                text: #text,
                zone: #zone,
                make: || Self { #(#values),* },
            });
    })
}
