//! `NEXUS_DEBUG_MACRO=name cargo check` prints what the macro makes of the item `name`.

use proc_macro2::TokenStream;

/// Prints `output` if the user asked for the item `name`.
#[expect(clippy::print_stderr, reason = "this is what the user asked for")]
pub(crate) fn print(name: &str, macro_name: &str, output: &TokenStream) {
    if std::env::var("NEXUS_DEBUG_MACRO").is_ok_and(|wanted| wanted == name) {
        eprintln!("// {macro_name} on {name}\n{output}");
    }
}
