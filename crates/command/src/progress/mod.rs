//! What is under way: a line for each running task at the bottom of a terminal, and a plain line now
//! and then elsewhere.

mod board;
#[cfg(test)]
mod emulator;
mod mode;
mod run;
mod screen;
#[cfg(feature = "durable")]
mod service;
mod view;

pub(crate) use mode::Mode;
pub(crate) use run::RunProgress;
pub(crate) use screen::restore;
#[cfg(feature = "durable")]
pub(crate) use service::ServiceProgress;
