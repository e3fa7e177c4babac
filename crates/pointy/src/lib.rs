//! The Pointy language of nexus: `A -> B |-> C || D (0 -> Alert)`.
//!
//! Text or tokens go in, a [`Flow`] with a place for everything in it comes out, with
//! [`Diagnostic`]s that say what to write instead. Nothing here runs a flow, and nothing
//! panics, whatever the input.
//!
//! ```
//! use nexus_pointy::parse;
//!
//! let flow = parse("validate (0 -> reject, 1 -> pay |-> mail)").into_result()?;
//! assert_eq!(flow.to_string(), "validate (0 -> reject, 1 -> pay |-> mail)");
//! # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
//! ```
//!
//! # Grammar
//!
//! ```ebnf
//! script   = flow ;
//! flow     = group { ( "->" | "|->" ) group } ;
//! group    = unit { "||" unit } ;
//! unit     = [ INT "*" ] primary { "*" INT | attrs | branches } ;
//! primary  = path | "{" flow "}" | "(" flow ")" ;
//! attrs    = "[" attr { "," attr } [ "," ] "]" ;
//! attr     = ident [ "=" value ] ;
//! branches = "(" branch { "," branch } [ "," ] ")" ;
//! branch   = ( INT | ident ) ( "->" | "|->" ) flow ;
//! path     = ident { "::" ident } ;
//! value    = INT | FLOAT | STRING | "true" | "false" | path | list | map ;
//! list     = "[" [ value { "," value } [ "," ] ] "]" ;
//! map      = "{" [ entry { "," entry } [ "," ] ] "}" ;
//! entry    = ident ":" value ;
//! ```
//!
//! A `(` right after a unit opens its branches; elsewhere it groups like `{`. `#` starts
//! a comment that ends with the line. A string ends on its line.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod ast;
mod check;
mod diagnostic;
mod explain;
mod fix;
mod format;
mod ident;
mod lex;
mod line_index;
mod number;
mod parse;
mod print;
#[cfg(feature = "render")]
pub mod render;
pub mod settings;
mod shape;
mod span;
pub mod suggest;
mod token;
mod unknown;
mod visible;
pub mod wiring;

pub use ast::{
    Arrow, ArrowKind, Attempts, Attr, Branch, Descriptor, Flow, Ident, Link, Literal, LiteralKind,
    Name, Primary, Unit,
};
pub use check::{check, unit_settings, unknown_setting};
pub use diagnostic::{Diagnostic, Severity, binding_code, code};
pub use explain::{explain, explained};
pub use fix::{Fixed, fix};
pub use format::format;
pub use lex::lex;
pub use line_index::{LineIndex, line_column};
pub use parse::{MAX_DEPTH, Parsed, parse, parse_tokens};
pub use span::Span;
pub use token::{Token, TokenKind};
pub use visible::{Visible, visible};
