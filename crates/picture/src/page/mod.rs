//! A finished run as a page for a browser: a file that one sends to a colleague, so it needs nothing
//! from outside of itself and has no scripts.

mod html;
mod run;
mod step;
#[cfg(test)]
mod tests;

pub use run::RunPage;
pub use step::{PageStep, StepSpan};
