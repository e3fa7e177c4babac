//! `NEXUS_DEBUG_MACRO=name cargo check` prints what the macro makes of the item `name`.

use std::io::{Error, Write};
use std::process::{Command, Stdio};

use proc_macro2::TokenStream;

/// Prints `output` if the user asked for the item `name`.
#[expect(clippy::print_stderr, reason = "this is what the user asked for")]
pub(crate) fn print(name: &str, macro_name: &str, output: &TokenStream) {
    if std::env::var("NEXUS_DEBUG_MACRO").is_ok_and(|wanted| wanted == name) {
        // Where there is no rustfmt, or it does not understand the item, the tokens must do.
        let formatted = formatted(output).unwrap_or_else(|_| format!("{output}\n"));
        eprint!("// {macro_name} on {name}\n{formatted}");
    }
}

/// The tokens as rustfmt writes them.
pub(crate) fn formatted(tokens: &TokenStream) -> Result<String, Error> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // It reads all before it writes anything.
    if let Some(mut stdin) = rustfmt.stdin.take() {
        stdin.write_all(tokens.to_string().as_bytes())?;
    }
    let output = rustfmt.wait_with_output()?;
    if !output.status.success() {
        return Err(Error::other(String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(Error::other)
}
