//! Pictures of Pointy flows, and of runs of them: Mermaid, Graphviz, SVG and a drawing for the
//! terminal.
//!
//! ```
//! use nexus_picture::Picture;
//!
//! let flow = nexus_pointy::parse("validate (0 -> reject, 1 -> pay |-> mail)").into_result()?;
//! assert_eq!(format!("\n{}", Picture::of(&flow)), "
//!        ┌──────────┐
//!        │ validate │
//!        └─────┬────┘
//!       ┌──────┴──────┐
//!   0 failure     1 success
//!       ▼             ▼
//!  ┌────────┐      ┌─────┐
//!  │ reject │      │ pay │
//!  └────────┘      └──╥──┘
//!                     ║
//!                     ▼
//!                 ┌──────┐
//!                 │ mail │
//!                 └──────┘
//! ");
//! # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
//! ```
//!
//! A thin line is `->`, a double (in SVG and elsewhere: thick) one with a bar where it starts is
//! `|->`, along which a value goes.
//!
//! A flow is a tree of sequences, groups and branches, so its layout follows from its structure:
//! sequences run downwards, what runs beside each other or instead of each other stands side by
//! side, and no lines cross. Nothing here recurses by step; brackets and branches nest as deep as
//! the parser lets them, at most [`MAX_DEPTH`](nexus_pointy::MAX_DEPTH).
#![forbid(unsafe_code)]

mod dot;
mod fitted_text;
mod format;
mod graph;
mod layout;
mod look;
mod mermaid;
mod model;
mod node_text;
mod page;
mod picture;
mod shorten;
mod snapshot;
mod svg;
mod text;

pub use format::{Format, UnknownFormat};
pub use look::{StepLook, StepOutcome};
pub use page::{PageStep, RunPage, StepSpan};
pub use picture::Picture;
